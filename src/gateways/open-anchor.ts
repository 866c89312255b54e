// Which anchors an installation keeps, as its settings say.

import { createAnchorFile } from './anchor-file.ts';
import { createAnchorObjects } from './anchor-objects.ts';
import type { AnchorTarget } from './anchor-target.ts';
import { createDirectoryObjectStore } from './directory-object-store.ts';

export interface AnchorPlace {
  readonly kind: 'file' | 'objects';
  /** The file, or the directory of the objects. */
  readonly path: string;
}

export function openAnchor({ kind, path }: AnchorPlace): AnchorTarget {
  return kind === 'file' ? createAnchorFile(path) : createAnchorObjects(createDirectoryObjectStore(path), path);
}
