import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.List;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Does the jobs of a file, one a line, its words parted by tabs; prints for each `ok`, or what went wrong.
 *
 *     encrypt CIPHER SCHEME FORM CERTIFICATE IN OUT
 *     decrypt ALGORITHM KEY IN OUT
 *     sign ALGORITHM FORM KEY CERTIFICATE IN OUT
 *     verify ROOT CONTENT IN OUT
 */
class BouncyCastle {
    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] job = line.split("\t");
            try {
                byte[] result = switch (job[0]) {
                    case "encrypt" -> encrypt(job[1], job[2], job[3], certificate(job[4]), read(job[5]));
                    case "decrypt" -> decrypt(key(job[1], job[2]), read(job[3]));
                    case "sign" -> sign(job[1], job[2], job[3], certificate(job[4]), read(job[5]));
                    case "verify" -> verify(certificate(job[1]), job[2], read(job[3]));
                    default -> throw new IllegalArgumentException(job[0]);
                };
                Files.write(Path.of(job[job.length - 1]), result);
                System.out.println("ok");
            } catch (Exception | LinkageError error) {
                System.out.println(error.toString().replaceAll("\\s+", " "));
            }
        }
    }

    private static byte[] encrypt(String cipher, String scheme, String form, X509Certificate certificate, byte[] data)
        throws Exception {
        OutputEncryptor encryptor =
            new JceCMSContentEncryptorBuilder(new ASN1ObjectIdentifier(cipher)).setProvider("BC").build();
        RecipientInfoGenerator recipient = recipient(scheme, certificate);
        if (encryptor instanceof OutputAEADEncryptor aead) {
            CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
            generator.addRecipientInfoGenerator(recipient);
            return generator.generate(new CMSProcessableByteArray(data), aead).getEncoded();
        }
        if (form.equals("streamed")) {
            CMSEnvelopedDataStreamGenerator generator = new CMSEnvelopedDataStreamGenerator();
            generator.setBEREncodeRecipients(true);
            generator.addRecipientInfoGenerator(recipient);
            ByteArrayOutputStream streamed = new ByteArrayOutputStream();
            pour(data, generator.open(streamed, encryptor));
            return streamed.toByteArray();
        }
        CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
        generator.addRecipientInfoGenerator(recipient);
        return generator.generate(new CMSProcessableByteArray(data), encryptor).getEncoded();
    }

    /** In two pieces, which BER keeps apart. */
    private static void pour(byte[] data, OutputStream out) throws Exception {
        out.write(data, 0, data.length / 2);
        out.write(data, data.length / 2, data.length - data.length / 2);
        out.close();
    }

    private static RecipientInfoGenerator recipient(String scheme, X509Certificate certificate) throws Exception {
        if (scheme.equals("PKCS1")) {
            return new JceKeyTransRecipientInfoGenerator(certificate).setProvider("BC");
        }
        if (scheme.equals("password")) {
            return new JcePasswordRecipientInfoGenerator(CMSAlgorithm.AES256_CBC, "secret".toCharArray())
                .setProvider("BC").setPasswordConversionScheme(PasswordRecipient.PKCS5_SCHEME2_UTF8);
        }
        if (scheme.equals("key")) {
            byte[] key = new byte[32];
            Arrays.fill(key, (byte) 0x5a);
            return new JceKEKRecipientInfoGenerator("id".getBytes(), new SecretKeySpec(key, "AES")).setProvider("BC");
        }
        if (scheme.startsWith("SHA")) {
            String[] hashes = scheme.split("/");
            OAEPParameterSpec spec =
                new OAEPParameterSpec(hashes[0], "MGF1", new MGF1ParameterSpec(hashes[1]), PSource.PSpecified.DEFAULT);
            return new JceKeyTransRecipientInfoGenerator(certificate, new JcaAlgorithmParametersConverter()
                .getAlgorithmIdentifier(PKCSObjectIdentifiers.id_RSAES_OAEP, spec)).setProvider("BC");
        }
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
        generator.initialize(((ECPublicKey) certificate.getPublicKey()).getParams());
        KeyPair pair = generator.generateKeyPair();
        // The key that wraps is as long as the digest of the derivation lets expect.
        ASN1ObjectIdentifier wrap = scheme.endsWith("1") ? CMSAlgorithm.AES128_WRAP : CMSAlgorithm.AES256_WRAP;
        return new JceKeyAgreeRecipientInfoGenerator(
            new ASN1ObjectIdentifier(scheme), pair.getPrivate(), pair.getPublic(), wrap)
            .addRecipient(certificate).setProvider("BC");
    }

    private static byte[] decrypt(PrivateKey key, byte[] data) throws Exception {
        boolean rsa = key.getAlgorithm().equals("RSA");
        if (ContentInfo.getInstance(data).getContentType().equals(CMSObjectIdentifiers.authEnvelopedData)) {
            if (!rsa) {
                throw new UnsupportedOperationException("no key agreement in AuthEnvelopedData");
            }
            return only(new CMSAuthEnvelopedData(data).getRecipientInfos())
                .getContent(new JceKeyTransAuthEnvelopedRecipient(key).setProvider("BC"));
        }
        Recipient recipient = rsa
            ? new JceKeyTransEnvelopedRecipient(key).setProvider("BC")
            : new JceKeyAgreeEnvelopedRecipient(key).setProvider("BC");
        return only(new CMSEnvelopedData(data).getRecipientInfos()).getContent(recipient);
    }

    private static RecipientInformation only(RecipientInformationStore recipients) {
        return recipients.getRecipients().iterator().next();
    }

    private static byte[] sign(String algorithm, String form, String keyFile, X509Certificate certificate, byte[] data)
        throws Exception {
        PrivateKey key = key(certificate.getPublicKey().getAlgorithm(), keyFile);
        ContentSigner signer = new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key);
        SignerInfoGenerator info = new JcaSignerInfoGeneratorBuilder(
            new JcaDigestCalculatorProviderBuilder().setProvider("BC").build()).build(signer, certificate);
        JcaCertStore certificates = new JcaCertStore(List.of(certificate));
        if (form.equals("streamed")) {
            CMSSignedDataStreamGenerator generator = new CMSSignedDataStreamGenerator();
            generator.addSignerInfoGenerator(info);
            generator.addCertificates(certificates);
            ByteArrayOutputStream streamed = new ByteArrayOutputStream();
            pour(data, generator.open(streamed, true));
            return streamed.toByteArray();
        }
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(info);
        generator.addCertificates(certificates);
        return generator.generate(new CMSProcessableByteArray(data), form.equals("opaque")).getEncoded();
    }

    private static byte[] verify(X509Certificate root, String content, byte[] data) throws Exception {
        CMSSignedData signed = content.equals("-")
            ? new CMSSignedData(data)
            : new CMSSignedData(new CMSProcessableByteArray(read(content)), data);
        for (SignerInformation signer : signed.getSignerInfos().getSigners()) {
            @SuppressWarnings("unchecked")
            X509CertificateHolder certificate =
                (X509CertificateHolder) signed.getCertificates().getMatches(signer.getSID()).iterator().next();
            if (!certificate.isSignatureValid(
                new JcaContentVerifierProviderBuilder().setProvider("BC").build(root))) {
                throw new CMSException("the certificate is not the root's");
            }
            // The certificate itself is of another time than now.
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC")
                .build(publicKey(certificate)))) {
                throw new CMSException("the signature is not good");
            }
        }
        if (signed.getSignerInfos().size() == 0) {
            throw new CMSException("there is no signature");
        }
        return (byte[]) signed.getSignedContent().getContent();
    }

    private static java.security.PublicKey publicKey(X509CertificateHolder certificate) throws Exception {
        return certificate(certificate.getEncoded()).getPublicKey();
    }

    private static byte[] read(String name) throws Exception {
        return Files.readAllBytes(Path.of(name));
    }

    private static PrivateKey key(String algorithm, String name) throws Exception {
        return KeyFactory.getInstance(algorithm, "BC").generatePrivate(new PKCS8EncodedKeySpec(read(name)));
    }

    private static X509Certificate certificate(String name) throws Exception {
        return certificate(read(name));
    }

    private static X509Certificate certificate(byte[] data) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(data));
    }
}
