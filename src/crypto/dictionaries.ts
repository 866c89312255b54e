// What many small texts have in common, for their compression to refer to: deflateSetDictionary of https://www.zlib.net/manual.html

export interface Dictionary {
  /** The first byte of a box that was sealed with it. */
  readonly format: number;
  readonly bytes: Buffer;
}

const dicom = '"http://dicom.nema.org/resources/ontology/DCM"';
const hl7 = 'http://terminology.hl7.org/CodeSystem';

/** What comes most often stands last, where a reference to it is shortest. */
const auditEventText = [
  `"detail":[{"type":"answered","valueString":"`,
  `"},"subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"search-type","display":"search-type"}],"action":"E","recorded":"20`,
  `{"system":"${hl7}/v3-ActReason","code":"`,
  `"outcome":"4","outcomeDesc":"forbidden","agent":[{"altId":"`,
  `"code":"AUT"},"code":"update","display":"update"}],"action":"U","code":"create","display":"create"}],"action":"C",`,
  `[{"type":"json-patch","valueBase64Binary":"`,
  `{"type":{"system":"${hl7}/audit-entity-type","code":"2"},"role":{"system":"${hl7}/object-role","code":"24"},"query":"`,
  `{"what":{"type":"Observation","display":"1 versions"},"type":{"system":"${hl7}/audit-entity-type","code":"4"},"role":{"system":"${hl7}/object-role","code":"3"},`,
  `{"resourceType":"AuditEvent","id":"01","meta":{"versionId":"1","lastUpdated":"202`,
  `"profile":["https://hpms.example/fhir/StructureDefinition/hpms-audit-patient-read"]},`,
  `"type":{"system":"${hl7}/audit-event-type","code":"rest","display":"Restful Operation"},`,
  `"subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"read","display":"read"}],"action":"R","recorded":"202`,
  `Z","outcome":"0","agent":[{"type":{"coding":[{"system":"${hl7}/v3-ParticipationType","code":"IRCP"}]},`,
  `"who":{"reference":"Practitioner/","display":"Dr. "},"name":"","requestor":true},`,
  `{"type":{"coding":[{"system":${dicom},"code":"110152"}]},"who":{"reference":"Device/"},"requestor":false,"network":{"address":"127.0.0.1","type":"2"}},`,
  `{"type":{"coding":[{"system":${dicom},"code":"110153"}]},"who":{"display":"HPMS"},"requestor":false,"network":{"address":"http`,
  `","type":"5"}}],"source":{"site":"http`,
  `","observer":{"display":"HPMS"},"type":[{"system":"${hl7}/security-source-type","code":"4","display":"Application Server"}]},`,
  `"entity":[{"what":{"reference":"Observation/`,
  `/_history/1","type":"Observation"},"type":{"system":"${hl7}/audit-entity-type","code":"2"},"role":{"system":"${hl7}/object-role","code":"4"}},`,
  `{"what":{"reference":"Patient/`,
  `","type":"Patient"},"type":{"system":"${hl7}/audit-entity-type","code":"1"},"role":{"system":"${hl7}/object-role","code":"1"}},`,
  `{"what":{"identifier":{"value":"`,
  `"}},"type":{"system":"https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType","code":"XrequestId"},"detail":[{"type":"status","valueString":"200"}]}]}`,
].join('');

/** Never changed: what was sealed with it needs it for ever. A better one gets a format of its own. */
export const auditEventDictionary: Dictionary = { format: 3, bytes: Buffer.from(auditEventText) };

const dictionaries: ReadonlyMap<number, Buffer> = new Map([[auditEventDictionary.format, auditEventDictionary.bytes]]);

/** Undefined for a format without one. */
export function dictionaryOf(format: number): Buffer | undefined {
  return dictionaries.get(format);
}
