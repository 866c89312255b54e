// What the money of a clinic's patients should be after each step, where that is simple; a patient whose money it loses track of is vague.

export interface ModelInvoice {
  readonly patient: string;
  gross: number;
  outstanding: number;
  paid: number;
  corrected: number;
  status: 'draft' | 'issued' | 'cancelled';
}

export interface ModelPayment {
  readonly patient: string;
  readonly parts: Map<string, number>;
  unused: number;
  refunded: number;
  isVoid: boolean;
}

export class MoneyModel {
  readonly invoices = new Map<string, ModelInvoice>();
  readonly payments = new Map<string, ModelPayment>();
  readonly #vague = new Set<string>();

  isVague(patient: string): boolean {
    return this.#vague.has(patient);
  }

  lose(patient: string): void {
    this.#vague.add(patient);
  }

  draft(id: string, patient: string, gross: number): void {
    this.invoices.set(id, { patient, gross, outstanding: 0, paid: 0, corrected: 0, status: 'draft' });
  }

  /** Credit of the patient's payments is applied, oldest first (35). */
  issue(id: string): void {
    const invoice = this.invoices.get(id)!;
    Object.assign(invoice, { status: 'issued', outstanding: invoice.gross });
    for (const payment of this.payments.values()) {
      if (payment.patient === invoice.patient && !payment.isVoid) this.#allocate(id, payment, payment.unused);
    }
  }

  /** A part above the outstanding is cut to it, and the rest is credit (34). */
  pay(
    id: string,
    patient: string,
    amount: number,
    details: readonly (readonly [invoice: string, cents: number])[],
  ): void {
    const payment = { patient, parts: new Map<string, number>(), unused: amount, refunded: 0, isVoid: false };
    this.payments.set(id, payment);
    for (const [invoice, cents] of details) this.#allocate(invoice, payment, cents);
  }

  #allocate(id: string, payment: ModelPayment, cents: number): void {
    const invoice = this.invoices.get(id)!;
    const part = Math.min(cents, invoice.outstanding, payment.unused);
    if (part === 0) return;
    this.#move(id, payment, part);
    payment.unused -= part;
  }

  #move(id: string, { parts }: ModelPayment, cents: number): void {
    const invoice = this.invoices.get(id)!;
    invoice.outstanding -= cents;
    invoice.paid += cents;
    parts.set(id, (parts.get(id) ?? 0) + cents);
  }

  mayRefund(paymentId: string, cents: number, invoiceId?: string): boolean {
    const { parts, unused, isVoid } = this.payments.get(paymentId)!;
    return !isVoid && cents <= (invoiceId === undefined ? unused : (parts.get(invoiceId) ?? 0));
  }

  refund(paymentId: string, cents: number, invoiceId?: string): void {
    const payment = this.payments.get(paymentId)!;
    payment.refunded += cents;
    if (invoiceId === undefined) payment.unused -= cents;
    else this.#move(invoiceId, payment, -cents);
  }

  void(paymentId: string): void {
    const payment = this.payments.get(paymentId)!;
    if (payment.isVoid) return;
    for (const [invoice, cents] of payment.parts) this.#move(invoice, payment, -cents);
    Object.assign(payment, { isVoid: true, unused: 0 });
  }

  /** Of what is outstanding: a note that makes credit is not followed. */
  correct(id: string, cents: number): void {
    const invoice = this.invoices.get(id)!;
    invoice.outstanding -= cents;
    invoice.corrected += cents;
  }
}
