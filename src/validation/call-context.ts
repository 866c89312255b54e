// What Ajv's functions are called with: https://ajv.js.org/api.html

/** Given once, it spares an object per call: the paths in it are never read. */
export const callContext = {
  instancePath: '',
  parentData: {},
  parentDataProperty: '',
  rootData: {},
  dynamicAnchors: {},
};
