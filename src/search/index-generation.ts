// Which index the code of this version makes of a resource.

/**
 * To be raised with every change of what is extracted, or of the texts it is stored under, that searches rely on, and with new
 * rows of modules (`restores`): each tenant's resources are then indexed again in the background.
 */
export const indexGeneration = 8;

/** From here on each resource has the token of its slice: slices.ts. */
export const slicedSince = 3;
