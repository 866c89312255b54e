// Narratives that R4 refuses: https://hl7.org/fhir/R4/narrative.html#xhtml

import type { InvalidRow } from './row.ts';

const xmlns = 'xmlns="http://www.w3.org/1999/xhtml"';

/** Each div with the code of its one issue. */
const divs: readonly (readonly [div: unknown, code: string])[] = [
  ['', 'structure'],
  ['x', 'structure'],
  [5, 'structure'],
  [`<p ${xmlns}>x</p>`, 'structure'],
  ['<div>x</div>', 'structure'],
  ['<div xmlns="http://hl7.org/fhir">x</div>', 'structure'],
  [`<div ${xmlns}>x`, 'structure'],
  [`<div ${xmlns}><b>x</div></b>`, 'structure'],
  [`<div ${xmlns}>x</div><div ${xmlns}>y</div>`, 'structure'],
  [`<div ${xmlns}>x</div>y`, 'structure'],
  [`<?xml version="1.0"?><div ${xmlns}>x</div>`, 'structure'],
  [`<!DOCTYPE div><div ${xmlns}>x</div>`, 'structure'],
  [`<div ${xmlns}>a & b</div>`, 'structure'],
  [`<div ${xmlns}>&nbsp;x</div>`, 'structure'],
  [`<div ${xmlns}>a < b</div>`, 'structure'],
  [`<div ${xmlns}>x\u0001</div>`, 'structure'],
  [`<div ${xmlns}>a ]]> b</div>`, 'structure'],
  [`<div ${xmlns}><!-- a -- b -->x</div>`, 'structure'],
  [`<div ${xmlns}><p class=a>x</p></div>`, 'structure'],
  [`<div ${xmlns}><p class="a" class="b">x</p></div>`, 'structure'],
  [`<div ${xmlns}>x<?php a ?></div>`, 'structure'],
  [`<div ${xmlns}>${'<b>'.repeat(100)}x${'</b>'.repeat(100)}</div>`, 'structure'],
  [`<div ${xmlns}/>`, 'invariant'],
  [`<div ${xmlns}> \n </div>`, 'invariant'],
  [`<div ${xmlns}><!-- x --></div>`, 'invariant'],
  [`<div ${xmlns}><script>alert(1)</script></div>`, 'invariant'],
  [`<div ${xmlns}><iframe src="http://example.org"/>x</div>`, 'invariant'],
  [`<div ${xmlns}><form>x</form></div>`, 'invariant'],
  [`<div ${xmlns}><font>x</font></div>`, 'invariant'],
  [`<div ${xmlns}><ins>x</ins></div>`, 'invariant'],
  [`<div ${xmlns}><object>x</object></div>`, 'invariant'],
  [`<div ${xmlns}><link href="a.css"/>x</div>`, 'invariant'],
  [`<div ${xmlns}><p onclick="a()">x</p></div>`, 'invariant'],
  [`<div ${xmlns} onmouseover="a()">x</div>`, 'invariant'],
  [`<div ${xmlns}><a href="javascript:a()">x</a></div>`, 'invariant'],
  [`<div ${xmlns}><a href="&#106;avascript:a()">x</a></div>`, 'invariant'],
  [`<div ${xmlns}><p style="background: url(http://example.org/x)">x</p></div>`, 'invariant'],
  [`<div ${xmlns}><P>x</P></div>`, 'invariant'],
];

const types = ['Patient', 'Observation', 'Encounter', 'Condition', 'Location', 'Task', 'List', 'Claim'] as const;

export const narratives: readonly InvalidRow[] = [
  ...divs.map(
    ([div, code], index): InvalidRow => [
      types[index % types.length] as string,
      { text: { status: 'generated', div } },
      `${code} ${types[index % types.length]}.text.div`,
    ],
  ),
  ['Patient', { text: { div: `<div ${xmlns}>x</div>` } }, 'required Patient.text.status'],
  ['Patient', { text: { status: 'made', div: `<div ${xmlns}>x</div>` } }, 'code-invalid Patient.text.status'],
  ['Patient', { text: { status: 'generated' } }, 'required Patient.text.div'],
  ['Patient', { text: 'x' }, 'structure Patient.text'],
];
