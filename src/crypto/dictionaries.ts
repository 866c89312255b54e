// What many small texts have in common, for their compression to refer to: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md and
// deflateSetDictionary of https://www.zlib.net/manual.html

import { uuidMark } from './packed-uuids.ts';

export interface Dictionary {
  /** The first byte of a box that was sealed with it. */
  readonly format: number;
  readonly bytes: Buffer;
}

const dicom = '"http://dicom.nema.org/resources/ontology/DCM"';
const hl7 = 'http://terminology.hl7.org/CodeSystem';

/** For DEFLATE: what comes most often stands last, where a reference to it is shortest. */
const formerAuditEventText = [
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

/** Stands for an id (packed-uuids.ts). */
const id = String.fromCharCode(uuidMark);

/** In the order in which it shortens a sample of events most, found by trying: of what begins alike LZ4 sees only what stands last. */
const auditEventText = [
  `/_history/1"}]},`,
  `nurse`,
  `"}},"type":{"system":"https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType","code":"XrequestId"}`,
  `-delete"]},"type"`,
  `"},"requestor":true,"network":{"address":"10.0.0.1","type":"2"}},`,
  `"what":{"reference":"Observation/${id}`,
  `/_history/1","type":"Invoice"},`,
  `"code":"search-type","display":"search-type"}],"action":"E","recorded":"202`,
  `-patient-create"]},"type"`,
  `nurse"}]}],"who":{"reference":"Practitioner/${id}`,
  `/_history/1","type":"Condition"},`,
  `Z","outcome":"0","agent":[{"type":{"coding":[{"system":${dicom},"code":"110153"}]},"role":[{"coding":[{"system":"https://hpms.example/fhir/CodeSystem/role","code":"clinic-admin"}]}],"who":{"reference":"Device/${id}`,
  `"detail":[{"type":"json-patch","valueBase64Binary":"W3sib3AiOiJ0ZXN0IiwicGF0aCI6Ii9zdGF0dXMiLCJ2YWx1ZSI6IsInBhdGgiOiIvc3RhdHVzIiwidmFsdWUiOi`,
  `"},{"what":{"type":"Observation","display":"1 versions"},"type":{"system":"${hl7}/audit-entity-type","code":"4"},"role":{"system":"${hl7}/object-role","code":"3"},"detail":[{"type":"answered","valueString":"Appointment/${id}`,
  `","observer":{"display":"HPMS"},"type":[{"system":"${hl7}/security-source-type","code":"4","display":"Application Server"}]},"entity":[{`,
  `","type":"Patient"},"type":{"system":"${hl7}/audit-entity-type","code":"1"},"role":{"system":"${hl7}/object-role","code":"1"}},`,
  `{"what":{"identifier":{"value":"${id}`,
  `","requestor":true,"purposeOfUse":[{"coding":[{"system":"${hl7}/v3-ActReason","code":"TREAT"}]}]},`,
  `{"type":{"coding":[{"system":${dicom},"code":"110152"}]},"who":{"reference":"Device/${id}`,
  `-patient-update"]},"type"`,
  `{"resourceType":"AuditEvent","id":"${id}","meta":{"versionId":"1","lastUpdated":"202","profile":["https://hpms.example/fhir/StructureDefinition/hpms-audit-patient-read"]},"type":{"system":"${hl7}/audit-event-type","code":"rest","display":"Restful Operation"},"subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"read","display":"read"}],"action":"R","recorded":"202`,
  `-refusal"]},"type"`,
  `ParticipationType","code":"AUT"}]},"role":[{"coding":[{"system":"https://hpms.example/fhir/CodeSystem/role","code":"`,
  `clinic-admin"}]}],"who":{"reference":"Practitioner/${id}`,
  `","name":"`,
  `front-desk`,
  `"},`,
  `/_history/1","type":"Encounter"},`,
  `","display":"Dr. "},"altId":"${id}`,
  `"requestor":false,"network":{"address":"127.0.0.1","type":"2"}},{"type":{"coding":[{"system":${dicom},"code":"110153"}]},"who":{"display":"HPMS"},"requestor":false,"network":{"address":"https://`,
  `-patient-query"]},"type"`,
  `","type":"5"}}],"source":{"site":"https://`,
  `,"detail":[{"type":"status","valueString":"200"}]}]}`,
  `/_history/1","type":"Observation"},"type":{"system":"${hl7}/audit-entity-type","code":"2"},"role":{"system":"${hl7}/object-role","code":"4"}},`,
  `{"what":{"reference":"Patient/${id}`,
  `cashier"}]}],"who":{"reference":"Practitioner/${id}`,
].join('');

const terms = '"system":"http://terminology.hl7.org/CodeSystem/';
const loinc = '"system":"http://loinc.org","code":"';
const snomed = '"system":"http://snomed.info/sct","code":"';
const ucum = '"system":"http://unitsofmeasure.org","code":"';
const coding = '"coding":[{';

/** Of the resources of a clinic's day, with their elements in the order in which most systems write them. */
const resourceText = [
  // Of any type.
  `{"resourceType":"Bundle","id":"01","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00.000Z","profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-`,
  `"},"text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\"><p><b></b></p><table><tr><td></td></tr></table></div>"},`,
  `"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/","valueString":"","valueBoolean":true,"valueCode":"","valueDateTime":"202","valueReference":{"reference":"`,
  `"url":"https://hpms.example/fhir/StructureDefinition/`,
  `"system":"https://hpms.example/fhir/CodeSystem/`,
  `"contained":[{"resourceType":"`,
  `"identifier":[{"use":"official","type":{${coding}${terms}v2-0203","code":"MR","display":"Medical Record Number"}],"text":"`,
  `"},"system":"https://","value":"urn:uuid:`,
  `"period":{"start":"2026-","end":"2026-`,
  `T09:00:00+00:00","end":"2026-`,
  `T10:15:00Z","end":"`,
  `"note":[{"authorReference":{"reference":"Practitioner/","display":"Dr. "},"time":"202","text":"`,
  `{"reference":"Organization/","display":"`,
  // People and places.
  `"active":true,"name":[{"use":"official","text":"","family":"","given":["`,
  `"],"prefix":["Mr.","Mrs.","Ms."]}],"telecom":[{"system":"phone","value":"+1 555-`,
  `","use":"mobile"},{"system":"email","value":"","use":"home"},"use":"work"}],"gender":"female","birthDate":"19`,
  `"gender":"male","birthDate":"20`,
  `"address":[{"use":"home","line":["`,
  `"],"city":"","district":"","state":"","postalCode":"","country":"US"}],`,
  `"maritalStatus":{${coding}${terms}v3-MaritalStatus","code":"M","display":"Married"}],"text":"`,
  `"multipleBirthBoolean":false,"communication":[{"language":{${coding}"system":"urn:ietf:bcp:47","code":"en-US","display":"English"}],"text":"English"},"preferred":true}],`,
  `"contact":[{"relationship":[{${coding}${terms}v2-0131","code":"N"}]}],"name":{"family":"","given":["`,
  `"generalPractitioner":[{"reference":"Practitioner/`,
  `"managingOrganization":{"reference":"Organization/`,
  `"qualification":[{"code":{${coding}${terms}v2-0360/2.7","code":"MD","display":"Doctor of Medicine"}],`,
  `"practitioner":{"reference":"Practitioner/`,
  `"specialty":[{${coding}${snomed}`,
  `"type":[{${coding}${terms}organization-type","code":"prov","display":"Healthcare Provider"}],"text":"`,
  `"physicalType":{${coding}${terms}location-physical-type","code":"ro","display":"Room"}]},"mode":"instance","position":{"longitude":`,
  // Appointments and visits.
  `{"resourceType":"Appointment","id":"`,
  `"status":"booked","serviceCategory":[{${coding}${terms}service-category","code":"17","display":"General Practice"}]}],`,
  `"serviceType":[{${coding}${terms}service-type","code":"124","display":"General Practice"}]}],`,
  `"appointmentType":{${coding}${terms}v2-0276","code":"ROUTINE","display":"Routine appointment"}],"code":"FOLLOWUP","code":"CHECKUP","code":"WALKIN"`,
  `"reasonCode":[{${coding}${snomed}"text":"`,
  `"priority":5,"description":"","slot":[{"reference":"Slot/`,
  `"start":"2026-","end":"2026-","minutesDuration":30,"created":"2026-`,
  `"comment":"","participant":[{"actor":{"reference":"Patient/`,
  `"},"required":"required","status":"accepted"},{"actor":{"reference":"Practitioner/`,
  `"},"status":"accepted"}]}`,
  `"schedule":{"reference":"Schedule/","status":"free","start":"202`,
  `"planningHorizon":{"start":"202`,
  `{"resourceType":"Encounter","id":"`,
  `"status":"finished","statusHistory":[{"status":"arrived","period":{"start":"202`,
  `"class":{${terms}v3-ActCode","code":"AMB","display":"ambulatory"},"type":[{${coding}${snomed}185349003","display":"Encounter for check up (procedure)"}],"text":"`,
  `"subject":{"reference":"Patient/","display":"`,
  `"participant":[{"type":[{${coding}${terms}v3-ParticipationType","code":"PPRF","display":"primary performer"}]}],"individual":{"reference":"Practitioner/`,
  `"location":[{"location":{"reference":"Location/`,
  `"serviceProvider":{"reference":"Organization/`,
  `"diagnosis":[{"condition":{"reference":"Condition/`,
  `"},"appointment":[{"reference":"Appointment/`,
  // Findings and orders.
  `{"resourceType":"Observation","id":"`,
  `"status":"final","category":[{${coding}${terms}observation-category","code":"vital-signs","display":"Vital Signs"}],"text":"Vital Signs"}],`,
  `"code":"laboratory","display":"Laboratory"}]}],"code":"social-history","code":"survey","display":"survey"`,
  `"code":{${coding}${loinc}85354-9","display":"Blood pressure panel with all children optional"}],"text":"Blood pressure"},`,
  `"encounter":{"reference":"Encounter/`,
  `"effectiveDateTime":"202","issued":"202","performer":[{"reference":"Practitioner/`,
  `"valueQuantity":{"value":1,"unit":"mg/dL",${ucum}mg/dL"}`,
  `"component":[{"code":{${coding}${loinc}8480-6","display":"Systolic blood pressure"}]},"valueQuantity":{"value":120,"unit":"mmHg",${ucum}mm[Hg]"}},`,
  `{"code":{${coding}${loinc}8462-4","display":"Diastolic blood pressure"}]},"valueQuantity":{"value":80,"unit":"mm[Hg]",`,
  `"valueCodeableConcept":{${coding}${snomed}`,
  `"interpretation":[{${coding}${terms}v3-ObservationInterpretation","code":"N","display":"Normal"}],"text":"Normal"}],`,
  `"bodySite":{${coding}${snomed}368209003","display":"Right arm"}],`,
  `"referenceRange":[{"low":{"value":1,"unit":"","code":""},"high":{"value":`,
  `{"resourceType":"Condition","id":"","clinicalStatus":{${coding}${terms}condition-clinical","code":"active"}]},"verificationStatus":{${coding}${terms}condition-ver-status","code":"confirmed"}]},`,
  `"category":[{${coding}${terms}condition-category","code":"encounter-diagnosis","display":"Encounter Diagnosis"}]}],"severity":{`,
  `"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"`,
  `"onsetDateTime":"202","abatementDateTime":"202","recordedDate":"202","recorder":{"reference":"Practitioner/`,
  `{"resourceType":"Procedure","id":"","status":"completed","code":{${coding}${snomed}","display":"(procedure)"}],"text":"`,
  `"performedPeriod":{"start":"202","performedDateTime":"202`,
  `{"resourceType":"MedicationRequest","id":"","status":"active","intent":"order","medicationCodeableConcept":{${coding}"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"","display":"`,
  ` MG Oral Tablet"}],"text":"`,
  `"authoredOn":"202","requester":{"reference":"Practitioner/`,
  `"reasonReference":[{"reference":"Condition/`,
  `"dosageInstruction":[{"sequence":1,"text":"Take as needed.","asNeededBoolean":false,"timing":{"repeat":{"frequency":1,"period":1,"periodUnit":"d"}},"route":{`,
  `"doseAndRate":[{"type":{${coding}${terms}dose-rate-type","code":"ordered","display":"Ordered"}]},"doseQuantity":{"value":1`,
  `"dispenseRequest":{"numberOfRepeatsAllowed":1,"quantity":{"value":`,
  `{"resourceType":"AllergyIntolerance","id":"","clinicalStatus":{${coding}${terms}allergyintolerance-clinical","code":"active"}]},"verificationStatus":{${coding}${terms}allergyintolerance-verification","code":"confirmed"}]},"type":"allergy","category":["medication"],"criticality":"low","patient":{"reference":"Patient/`,
  `{"resourceType":"Immunization","id":"","status":"completed","vaccineCode":{${coding}"system":"http://hl7.org/fhir/sid/cvx","code":"","occurrenceDateTime":"202","primarySource":true`,
  `{"resourceType":"DiagnosticReport","id":"","status":"final","category":[{${coding}${loinc}`,
  `"presentedForm":[{"contentType":"text/plain","data":"`,
  `"result":[{"reference":"Observation/`,
  `{"resourceType":"ServiceRequest","id":"","status":"active","intent":"order","priority":"routine","code":{`,
  `{"resourceType":"DocumentReference","id":"","status":"current","type":{${coding}${loinc}34117-2","display":"History and physical note"}]},"date":"202","author":[{"reference":"Practitioner/`,
  `"content":[{"attachment":{"contentType":"application/pdf","url":"Binary/","title":"`,
  `{"resourceType":"Task","id":"","status":"requested","intent":"order","code":{${coding}"for":{"reference":"Patient/","owner":{"reference":"`,
  `{"resourceType":"QuestionnaireResponse","id":"","questionnaire":"","status":"completed","item":[{"linkId":"","text":"","answer":[{"valueString":"`,
  `{"resourceType":"Provenance","id":"","target":[{"reference":"","recorded":"202","agent":[{"type":{${coding}${terms}provenance-participant-type","code":"author","display":"Author"}],"who":{"reference":"`,
  // Money.
  `{"resourceType":"Invoice","id":"","status":"issued","subject":{"reference":"Patient/","account":{"reference":"Account/`,
  `"status":"balanced","date":"202","participant":[{"actor":{"reference":"`,
  `"lineItem":[{"sequence":1,"chargeItemReference":{"reference":"ChargeItem/","chargeItemCodeableConcept":{"text":"","priceComponent":[{"type":"base","code":{"text":"`,
  `"factor":1,"amount":{"value":100,"currency":"USD"}},{"type":"tax","code":{`,
  `"totalPriceComponent":[{"type":"`,
  `"totalNet":{"value":100,"currency":"USD"},"totalGross":{"value":100,"currency":"USD"}}`,
  `{"resourceType":"PaymentReconciliation","id":"","status":"active","created":"202","outcome":"complete","paymentDate":"202","paymentAmount":{"value":100,"currency":"USD"},"paymentIdentifier":{`,
  `"detail":[{"type":{${coding}${terms}payment-type","code":"payment"}]},"request":{"reference":"Invoice/`,
  `{"resourceType":"Coverage","id":"","status":"active","type":{${coding}${terms}v3-ActCode","code":"HIP","subscriberId":"","beneficiary":{"reference":"Patient/","relationship":{${coding}${terms}subscriber-relationship","code":"self"}]},"payor":[{"reference":"Organization/`,
  `{"resourceType":"Claim","id":"","status":"active","type":{${coding}${terms}claim-type","code":"professional"}]},"use":"claim","patient":{"reference":"Patient/","billablePeriod":{"start":"202","provider":{"reference":"Organization/","priority":{${coding}${terms}processpriority","code":"normal"}]},`,
  `"insurance":[{"sequence":1,"focal":true,"coverage":{"reference":"Coverage/","item":[{"sequence":1,"productOrService":{${coding}`,
  `"encounter":[{"reference":"Encounter/","unitPrice":{"value":,"net":{"value":,"total":{"value":,"currency":"USD"}`,
].join('');

/** Never changed: what was sealed with it needs it for ever. A better one gets a format of its own. */
export const resourceDictionary: Dictionary = { format: 4, bytes: Buffer.from(resourceText) };
/** As unchangeable; of texts whose UUIDs are packed. */
export const auditEventDictionary: Dictionary = { format: 5, bytes: Buffer.from(auditEventText, 'latin1') };
/** As unchangeable; nothing is sealed with it any more. */
export const formerAuditEventDictionary: Dictionary = { format: 3, bytes: Buffer.from(formerAuditEventText) };
