/** ASN.1 types that @peculiar/asn1-cms does not have: AuthEnvelopedData, parameters of our algorithms, keycask-metadata. */
import {
  AsnArray,
  AsnProp,
  AsnPropTypes,
  AsnType,
  AsnTypeTypes,
  OctetString,
} from '@peculiar/asn1-schema';
import {
  Attribute,
  CMSVersion,
  EncryptedContentInfo,
  KeyDerivationAlgorithmIdentifier,
  PasswordRecipientInfo,
  RecipientInfos,
} from '@peculiar/asn1-cms';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';

/**
 * RFC 5083 section 2.1
 *
 *   AuthEnvelopedData ::= SEQUENCE { version CMSVersion, originatorInfo [0] IMPLICIT OriginatorInfo OPTIONAL,
 *     recipientInfos RecipientInfos, authEncryptedContentInfo EncryptedContentInfo, authAttrs [1] IMPLICIT AuthAttributes OPTIONAL,
 *     mac MessageAuthenticationCode, unauthAttrs [2] IMPLICIT UnauthAttributes OPTIONAL }
 */
@AsnType({ type: AsnTypeTypes.Sequence })
export class AuthEnvelopedData {
  @AsnProp({ type: AsnPropTypes.Integer })
  version: number = CMSVersion.v0;

  @AsnProp({ type: RecipientInfos })
  recipientInfos = new RecipientInfos();

  @AsnProp({ type: EncryptedContentInfo })
  authEncryptedContentInfo = new EncryptedContentInfo();

  @AsnProp({ type: Attribute, repeated: 'set', context: 1, implicit: true, optional: true })
  authAttrs?: Attribute[];

  @AsnProp({ type: OctetString })
  mac = new OctetString();
}

/** RFC 5084 section 3.2: GCMParameters ::= SEQUENCE { aes-nonce OCTET STRING, aes-ICVlen INTEGER DEFAULT 12 } */
@AsnType({ type: AsnTypeTypes.Sequence })
export class GcmParameters {
  @AsnProp({ type: OctetString })
  nonce = new OctetString();

  @AsnProp({ type: AsnPropTypes.Integer, defaultValue: 12 })
  icvLength = 12;
}

/** RFC 8018 appendix A.2: PBKDF2-params ::= SEQUENCE { salt, iterationCount INTEGER, keyLength INTEGER OPTIONAL, prf } */
@AsnType({ type: AsnTypeTypes.Sequence })
export class Pbkdf2Params {
  @AsnProp({ type: OctetString })
  salt = new OctetString();

  @AsnProp({ type: AsnPropTypes.Integer })
  iterationCount = 0;

  @AsnProp({ type: AsnPropTypes.Integer, optional: true })
  keyLength?: number;

  @AsnProp({ type: AlgorithmIdentifier })
  prf = new AlgorithmIdentifier();
}

/** docs/formats/record.md: Argon2idParams ::= SEQUENCE { salt OCTET STRING, memoryKiB, iterations, parallelism, keyLength INTEGER } */
@AsnType({ type: AsnTypeTypes.Sequence })
export class Argon2idParams {
  @AsnProp({ type: OctetString })
  salt = new OctetString();

  @AsnProp({ type: AsnPropTypes.Integer })
  memoryKiB = 0;

  @AsnProp({ type: AsnPropTypes.Integer })
  iterations = 0;

  @AsnProp({ type: AsnPropTypes.Integer })
  parallelism = 0;

  @AsnProp({ type: AsnPropTypes.Integer })
  keyLength = 0;
}

/** RFC 5753 section 7.2: ECC-CMS-SharedInfo ::= SEQUENCE { keyInfo, entityUInfo [0] OPTIONAL, suppPubInfo [2] EXPLICIT OCTET STRING } */
@AsnType({ type: AsnTypeTypes.Sequence })
export class EccCmsSharedInfo {
  @AsnProp({ type: AlgorithmIdentifier })
  keyInfo = new AlgorithmIdentifier();

  @AsnProp({ type: OctetString, context: 2 })
  suppPubInfo = new OctetString();
}

@AsnType({ type: AsnTypeTypes.Sequence })
export class NameAndValue {
  @AsnProp({ type: AsnPropTypes.Utf8String })
  name = '';

  @AsnProp({ type: AsnPropTypes.Utf8String })
  value = '';
}

@AsnType({ type: AsnTypeTypes.Sequence, itemType: NameAndValue })
export class NamesAndValues extends AsnArray<NameAndValue> {}

/** docs/formats/record.md: KeycaskMetadata. */
@AsnType({ type: AsnTypeTypes.Sequence })
export class KeycaskMetadata {
  @AsnProp({ type: AsnPropTypes.Integer })
  version = 1;

  @AsnProp({ type: OctetString })
  recordId = new OctetString();

  @AsnProp({ type: AsnPropTypes.Integer })
  recordVersion = 1;

  @AsnProp({ type: AsnPropTypes.Utf8String })
  label = '';

  @AsnProp({ type: AsnPropTypes.Utf8String })
  purpose = '';

  @AsnProp({ type: AsnPropTypes.Integer })
  algorithm = 0;

  @AsnProp({ type: AsnPropTypes.Integer })
  effectiveBits = 0;

  @AsnProp({ type: AsnPropTypes.GeneralizedTime })
  created = new Date(0);

  @AsnProp({ type: AsnPropTypes.GeneralizedTime, context: 0, implicit: true, optional: true })
  notAfter?: Date;

  @AsnProp({ type: OctetString })
  storeId = new OctetString();

  @AsnProp({ type: AsnPropTypes.Enumerated })
  provenance = 0;

  @AsnProp({ type: NamesAndValues })
  attributes = new NamesAndValues();

  @AsnProp({ type: OctetString, context: 1, implicit: true, optional: true })
  commitment?: OctetString;

  @AsnProp({ type: OctetString, context: 2, implicit: true, optional: true })
  bind?: OctetString;
}

// RFC 5652 section 6.2.4: keyDerivationAlgorithm is [0] in a module of IMPLICIT TAGS; asn1-cms 2.11.1 has it EXPLICIT and reads
// neither OpenSSL's nor our password recipients.
AsnProp({ type: KeyDerivationAlgorithmIdentifier, context: 0, implicit: true, optional: true })(
  PasswordRecipientInfo.prototype,
  'keyDerivationAlgorithm',
);
