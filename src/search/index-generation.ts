// Which index the code of this version makes of a resource.

/**
 * To be raised with every change of what is extracted, or of the texts it is stored under, that searches rely on: each
 * tenant's resources are then indexed again in the background.
 */
export const indexGeneration = 2;
