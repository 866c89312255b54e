// What the server needs of the world's mail: one message to one address, taken by somebody who delivers it.

export interface MailGateway {
  /** Resolves when a mail server has taken it over; rejects otherwise, and then it may have been sent all the same. */
  send(mail: Mail): Promise<void>;
}

export interface Mail {
  /** One address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}
