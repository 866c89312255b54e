// Which passwords are refused when one is chosen: short ones, and those that guessing begins with (NIST SP 800-63B section 3.1.1.2).

const bytesMin = 12;
const bytesMax = 1_024;
/** Of what is left when the e-mail address is taken out. */
const ownCharactersMin = 8;
const differentCharactersMin = 5;

/** What begins the lists of stolen passwords, without the digits and signs around it. */
const commonWords = new Set(
  `password passwort passw welcome letmein letmeinnow qwerty qwertyuiop qwertyuiopasdfghjkl qwertyqwerty qwertz qwertzuiop
  asdfghjkl zxcvbnm qazwsx qazwsxedc qazwsxedcrfv abc abcd abcde abcdef abcdefg abcdefgh abcdefghij abcdefghijkl abcdefghijklm
  admin administrator root changeme changemenow default secret topsecret master superman batman iloveyou iloveyouforever
  sunshine princess football baseball dragon monkey shadow trustno login guest user test testtest testing passwordpassword
  mypassword newpassword yourpassword adminadmin welcomewelcome hospital clinic doctor nurse patient medical health healthcare
  spring summer autumn winter january february march april june july august september october november december`.split(
    /\s+/,
  ),
);

/** What is wrong with it, for the person; undefined when nothing is. */
export function passwordFault(password: string, email?: string): string | undefined {
  const bytes = Buffer.byteLength(password);
  if (bytes < bytesMin) return `The password is too short: it needs at least ${bytesMin} characters.`;
  if (bytes > bytesMax) return `The password is too long: it may have at most ${bytesMax} bytes.`;
  const text = password.normalize('NFKC').toLowerCase();
  if (email !== undefined && isMadeOf(text, email)) {
    return 'The password is your e-mail address, or close to it. Choose another one.';
  }
  if (isCommon(text)) return 'The password is one of the first that others would guess. Choose another one.';
  return undefined;
}

function isMadeOf(text: string, email: string): boolean {
  const [name = ''] = email.toLowerCase().split('@');
  if (text.includes(email.toLowerCase())) return true;
  return name.length > 3 && text.includes(name) && text.replaceAll(name, '').length < ownCharactersMin;
}

const lookalikes: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '5': 's',
  $: 's',
};

function isCommon(text: string): boolean {
  if (new Set(text).size < differentCharactersMin) return true;
  const isWord = (word: string) => word === '' || commonWords.has(word);
  // Digits at the ends are padding; inside they may stand for letters.
  const inner = text.replace(/^[^\p{L}@$]+|[^\p{L}]+$/gu, '');
  if (isWord(inner.replace(/[@$\d]/g, (character) => lookalikes[character] ?? '').replace(/\P{L}/gu, ''))) return true;
  return isWord(text.replace(/\P{L}/gu, ''));
}
