package pnfs.it.container;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import pnfs.ds.DsCommand;
import pnfs.mds.MdsCommand;

/// The manifests in `deploy/k8s`, against the types of the Kubernetes API and against themselves. No cluster
/// has seen them.
class ManifestsTest {
    private static final Path FOLDER = Path.of("..", "deploy", "k8s");
    private static final List<Class<? extends HasMetadata>> KINDS =
            List.of(Namespace.class, Service.class, StatefulSet.class, PodDisruptionBudget.class);

    /// The types keep what they do not know; here that is a mistake.
    private static final ObjectMapper STRICT = new ObjectMapper(new YAMLFactory())
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .setAnnotationIntrospector(new JacksonAnnotationIntrospector() {
                private static final long serialVersionUID = 1;

                @Override
                public Boolean hasAnySetter(Annotated member) {
                    return false;
                }
            });

    @Test
    void every_manifest_is_what_the_api_knows() throws IOException {
        JsonNode index = STRICT.readTree(FOLDER.resolve("kustomization.yaml").toFile());

        assertThat(index.path("resources")).hasSize(3);
        assertThat(objects()).hasSize(6);
    }

    @Test
    void stateful_sets_fit_their_services_their_probes_and_the_options_of_our_commands() throws IOException {
        List<HasMetadata> objects = objects();
        for (StatefulSet set : of(StatefulSet.class, objects)) {
            var spec = set.getSpec();
            var labels = spec.getTemplate().getMetadata().getLabels();
            assertThat(labels).containsAllEntriesOf(spec.getSelector().getMatchLabels());
            assertThat(of(Service.class, objects))
                    .filteredOn(service -> service.getMetadata().getName().equals(spec.getServiceName()))
                    .singleElement()
                    .satisfies(service -> assertThat(labels)
                            .containsAllEntriesOf(service.getSpec().getSelector()));

            Container container = spec.getTemplate().getSpec().getContainers().getFirst();
            List<String> ports =
                    container.getPorts().stream().map(ContainerPort::getName).toList();
            for (Probe probe :
                    List.of(container.getStartupProbe(), container.getReadinessProbe(), container.getLivenessProbe())) {
                assertThat(ports).contains(probe.getHttpGet().getPort().getStrVal());
            }
            assertThat(container.getVolumeMounts())
                    .extracting(VolumeMount::getName)
                    .containsExactlyElementsOf(spec.getVolumeClaimTemplates().stream()
                            .map(claim -> claim.getMetadata().getName())
                            .toList());
            understood(container.getArgs());
        }
    }

    /// Throws what `pnfs` would say of them.
    private static void understood(List<String> arguments) {
        Object command = arguments.getFirst().equals("mds") ? new MdsCommand() : new DsCommand();
        new CommandLine(command)
                .parseArgs(arguments.subList(1, arguments.size()).toArray(String[]::new));
    }

    private static <T> List<T> of(Class<T> kind, List<HasMetadata> objects) {
        return objects.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private static List<HasMetadata> objects() throws IOException {
        var objects = new ArrayList<HasMetadata>();
        for (JsonNode file :
                STRICT.readTree(FOLDER.resolve("kustomization.yaml").toFile()).path("resources")) {
            try (var documents = STRICT.readerFor(JsonNode.class)
                    .<JsonNode>readValues(FOLDER.resolve(file.asText()).toFile())) {
                while (documents.hasNext()) {
                    objects.add(typed(documents.next()));
                }
            }
        }
        return objects;
    }

    private static HasMetadata typed(JsonNode document) throws IOException {
        String kind = document.path("kind").asText();
        Class<? extends HasMetadata> type = KINDS.stream()
                .filter(known -> known.getSimpleName().equals(kind))
                .findFirst()
                .orElseThrow(() -> new IOException("a kind that this test does not know: " + kind));
        HasMetadata object = STRICT.treeToValue(document, type);
        assertThat(object.getApiVersion())
                .as(kind)
                .isEqualTo(STRICT.treeToValue(STRICT.createObjectNode(), type).getApiVersion());
        return object;
    }
}
