// Where the samples made by others lie: beside the project, in ../shared/data. A test that finds nothing there says so and skips.
import { fileURLToPath } from 'node:url';

/** Path of a folder or file of the samples, by its name below ../shared/data. */
export const sharedData = (name: string): string =>
  fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
