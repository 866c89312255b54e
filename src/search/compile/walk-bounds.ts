// How far a search may walk along an index for one page.

/** Rows that are looked at; what does not fill the page within them is too costly. */
export const walkMax = 20_000;
