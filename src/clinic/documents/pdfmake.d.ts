// What is used here of pdfmake, whose published types would bring those of browsers into the whole project.

declare module 'pdfmake' {
  interface FontFiles {
    readonly normal: string;
    readonly bold: string;
    readonly italics: string;
    readonly bolditalics: string;
  }
  const pdfmake: {
    setFonts(fonts: Readonly<Record<string, FontFiles>>): void;
    /** Asked before anything is fetched. */
    setUrlAccessPolicy(isAllowed: (url: string) => boolean): void;
    /** Asked before any file is read. */
    setLocalAccessPolicy(isAllowed: (file: string) => boolean): void;
    /** https://pdfmake.github.io/docs/0.3/document-definition-object/ */
    createPdf(definition: object): { getBuffer(): Promise<Uint8Array> };
  };

  // biome-ignore lint/style/noDefaultExport: pdfmake has one.
  export default pdfmake;
}
