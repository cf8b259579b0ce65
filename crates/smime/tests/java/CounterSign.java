import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationStore;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.util.CollectionStore;

/** CounterSign SIGNED TARGET KEY CERTIFICATE TIMES OUT: countersigns SIGNED, and puts that into TARGET. */
class CounterSign {
    public static void main(String[] names) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        byte[] der = Files.readAllBytes(Path.of(names[3]));
        X509Certificate certificate = (X509Certificate)
            CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
        byte[] pkcs8 = Files.readAllBytes(Path.of(names[2]));
        PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder()
            .setProvider("BC").build("SHA256withECDSA", key, certificate));
        CMSSignedData target = new CMSSignedData(Files.readAllBytes(Path.of(names[1])));
        SignerInformation signer = first(target);
        SignerInformation signed = first(new CMSSignedData(Files.readAllBytes(Path.of(names[0]))));
        for (int count = Integer.parseInt(names[4]); count > 0; count--) {
            signer = SignerInformation.addCounterSigners(signer, generator.generateCounterSigners(signed));
        }
        List<X509CertificateHolder> certificates = new ArrayList<>(target.getCertificates().getMatches(null));
        certificates.add(new JcaX509CertificateHolder(certificate));
        target = CMSSignedData.replaceSigners(target, new SignerInformationStore(signer));
        target = CMSSignedData.replaceCertificatesAndCRLs(
            target, new CollectionStore<>(certificates), target.getAttributeCertificates(), target.getCRLs());
        Files.write(Path.of(names[5]), target.getEncoded("DER"));
    }

    private static SignerInformation first(CMSSignedData data) {
        return data.getSignerInfos().getSigners().iterator().next();
    }
}
