// A document to be printed, as plain data that can be sent to the thread that prints.

/** As pdfmake wants it: https://pdfmake.github.io/docs/0.3/document-definition-object/ */
export type Block = Placed &
  (
    | (TextStyle & { readonly text: string })
    | (TextStyle & { readonly stack: readonly Block[] })
    | { readonly columns: readonly Block[] }
    | { readonly image: string; readonly fit: readonly [width: number, height: number] }
    | { readonly qr: string; readonly fit: number }
    | { readonly table: Table; readonly layout: 'noBorders' | 'lightHorizontalLines' }
  );

/** In points; a margin is left, top, right, bottom. */
interface Placed {
  readonly margin?: number | readonly [number, number, number, number];
  readonly width?: number | 'auto' | '*';
}

interface TextStyle {
  readonly bold?: boolean;
  readonly fontSize?: number;
  readonly color?: string;
  readonly alignment?: 'left' | 'center' | 'right';
}

interface Table {
  readonly headerRows?: number;
  readonly widths?: readonly ('*' | 'auto')[];
  readonly body: readonly (readonly Block[])[];
}

export interface Page {
  readonly title: string;
  /** BCP 47, for readers that speak. */
  readonly language: string;
  readonly size: 'A4' | 'card';
  readonly content: readonly Block[];
  /** Printed below the content, as Code 128 (ISO/IEC 15417). */
  readonly barcode?: string;
  /** At the foot of each page, before its number; absent = neither is printed. */
  readonly foot?: string;
  /** Across each page, as DUPLICATE. */
  readonly watermark?: string;
}

/** What the thread makes: a page as PDF, or a text as the image of a QR code (ISO/IEC 18004), PNG. */
export type PrintJob =
  | { readonly page: Page; readonly code?: never }
  | { readonly code: string; readonly page?: never };
