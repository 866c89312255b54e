// Currency codes: https://hl7.org/fhir/R4/valueset-currencies.html

/** ISO 4217 as Node's own data has it, and the codes that belong to no country or are units of account. */
export function isCurrency(text: string): boolean {
  currencies ??= new Set([...Intl.supportedValuesOf('currency'), ...furtherCurrencies]);
  return currencies.has(text);
}

let currencies: Set<string> | undefined;

const furtherCurrencies =
  `BOV CHE CHW CLF COU MXV SLE USN UYI UYW VED XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX
  ZWG`.split(/\s+/);
