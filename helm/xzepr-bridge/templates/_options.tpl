{{/*
The objects beside the workload, each when its values enable it:

  {{ include "xzepr-bridge.options" (dict "context" . "name" "deployer" "labels" $labels "selector" $selector
       "workload" (dict "kind" "Deployment" "name" "deployer" "replicas" 3)) }}

`labels` go onto each object, `selector` finds the pods, `workload` is what KEDA scales; its replicas, where they are
said, are what a budget for disruptions is held against.
*/}}
{{- define "xzepr-bridge.options" -}}
  {{- $bridge := .context.Values.bridge -}}
  {{- $always := has .workload.kind (list "Deployment" "StatefulSet") -}}
  {{- if $bridge.networkPolicy.enabled }}{{ include "xzepr-bridge.networkPolicy" . }}{{ end -}}
  {{- if $bridge.podMonitor.enabled }}{{ include "xzepr-bridge.podMonitor" . }}{{ end -}}
  {{- if $bridge.prometheusRule.enabled }}{{ include "xzepr-bridge.prometheusRule" . }}{{ end -}}
  {{- if $bridge.keda.enabled -}}
    {{- if not $always }}{{ fail "xzepr-bridge: KEDA's ScaledObject scales a Deployment or a StatefulSet; disable bridge.keda." }}{{ end -}}
    {{- include "xzepr-bridge.scaledObject" . -}}
  {{- end -}}
  {{- if $bridge.podDisruptionBudget.enabled -}}
    {{- if not $always }}{{ fail "xzepr-bridge: a budget for disruptions is for a Deployment or a StatefulSet; disable bridge.podDisruptionBudget." }}{{ end -}}
    {{- include "xzepr-bridge.podDisruptionBudget" . -}}
  {{- end -}}
{{- end -}}

{{/* `labels` is what the kind's own reader looks for, beside those of the app. */}}
{{- define "xzepr-bridge.metadata" -}}
metadata:
  name: {{ .name | quote }}
  namespace: {{ .context.Release.Namespace | quote }}
  labels:
    {{- toYaml (merge (dict) (.more | default dict) .labels) | nindent 4 }}
{{- end -}}

{{- define "xzepr-bridge.networkPolicy" }}
{{- $policy := .context.Values.bridge.networkPolicy }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "xzepr-bridge.metadata" . }}
spec:
  podSelector:
    matchLabels:
      {{- toYaml .selector | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- if $policy.monitoring }}
    - from:
        {{- toYaml $policy.monitoring | nindent 8 }}
      ports:
        - { port: {{ include "xzepr-bridge.opsPort" .context }}, protocol: TCP }
    {{- end }}
    {{- with $policy.ingress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if not (or $policy.monitoring $policy.ingress) }} []{{ end }}
  egress:
    # Names are asked for before anything else.
    - ports:
        - { port: 53, protocol: UDP }
        - { port: 53, protocol: TCP }
    - ports:
        {{- include "xzepr-bridge.peerPorts" ($policy.kafka.ports | default (include "xzepr-bridge.kafkaPorts" .context | fromYamlArray)) | nindent 8 }}
      {{- with $policy.kafka.to }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    - ports:
        {{- include "xzepr-bridge.peerPorts" ($policy.xzepr.ports | default (include "xzepr-bridge.xzeprPorts" .context | fromYamlArray)) | nindent 8 }}
      {{- with $policy.xzepr.to }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- with $policy.egress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "xzepr-bridge.peerPorts" -}}
  {{- $lines := list -}}
  {{- range . -}}
    {{- $lines = append $lines (printf "- { port: %d, protocol: TCP }" (int .)) -}}
  {{- end -}}
  {{- join "\n" $lines -}}
{{- end -}}

{{- define "xzepr-bridge.kafkaPorts" -}}
  {{- $brokers := include "xzepr-bridge.known" (dict "context" . "name" "XZEPR_KAFKA_BROKERS" "default" "localhost:9092" "instead" "bridge.networkPolicy.kafka.ports") -}}
  {{- $ports := list -}}
  {{- range $broker := splitList "," $brokers -}}
    {{- /* A comma too many does no harm; the bridge passes over it, too. */ -}}
    {{- if trim $broker -}}
      {{- $port := regexFind ":[0-9]+$" (trim $broker) | trimPrefix ":" | int -}}
      {{- if not $port -}}
        {{- fail (printf "xzepr-bridge: XZEPR_KAFKA_BROKERS names %q without its port. It must be host:port, with commas between." $broker) -}}
      {{- end -}}
      {{- $ports = append $ports $port -}}
    {{- end -}}
  {{- end -}}
  {{- $ports | uniq | toJson -}}
{{- end -}}

{{- define "xzepr-bridge.xzeprPorts" -}}
  {{- $url := include "xzepr-bridge.known" (dict "context" . "name" "XZEPR_API_URL" "default" "http://localhost:8042" "instead" "bridge.networkPolicy.xzepr.ports") | urlParse -}}
  {{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
  {{- list (int ($port | default (ternary "443" "80" (eq $url.scheme "https")))) | toJson -}}
{{- end -}}

{{/* A variable's value, for what is made from it; one that only the cluster knows must be said another way. */}}
{{- define "xzepr-bridge.known" -}}
  {{- if get (.context.Values.bridge.variablesFrom | default dict) .name -}}
    {{- fail (printf "xzepr-bridge: %s comes from the cluster, so this chart does not know it. Set %s." .name .instead) -}}
  {{- end -}}
  {{- include "xzepr-bridge.text" (get (.context.Values.bridge.variables | default dict) .name | default .default) -}}
{{- end -}}

{{- define "xzepr-bridge.scaledObject" }}
{{- $context := .context }}
{{- $keda := $context.Values.bridge.keda }}
{{- $variables := $context.Values.bridge.variables }}
{{- $in := "bridge.variables, or disable bridge.keda" }}
{{- $service := include "xzepr-bridge.known" (dict "context" $context "name" "BRIDGE_SERVICE" "default" "" "instead" (printf "BRIDGE_SERVICE in %s" $in)) }}
{{- $protocol := include "xzepr-bridge.known" (dict "context" $context "name" "XZEPR_KAFKA_SECURITY_PROTOCOL" "default" "PLAINTEXT" "instead" (printf "it in %s" $in)) }}
{{- $mechanism := include "xzepr-bridge.known" (dict "context" $context "name" "XZEPR_KAFKA_SASL_MECHANISM" "default" "SCRAM-SHA-256" "instead" (printf "it in %s" $in)) }}
{{- $isSasl := hasPrefix "SASL_" $protocol }}
{{- if and $isSasl (not $keda.authenticationRef) }}
{{- fail "xzepr-bridge: Kafka asks for SASL, so KEDA needs a TriggerAuthentication with username and password: name it in bridge.keda.authenticationRef." }}
{{- end }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
{{ include "xzepr-bridge.metadata" . }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: {{ .workload.kind }}
    name: {{ .workload.name | quote }}
  minReplicaCount: {{ $keda.minReplicas }}
  maxReplicaCount: {{ $keda.maxReplicas }}
  pollingInterval: {{ $keda.pollingInterval }}
  cooldownPeriod: {{ $keda.cooldownPeriod }}
  triggers:
    - type: kafka
      metadata:
        bootstrapServers: {{ include "xzepr-bridge.known" (dict "context" $context "name" "XZEPR_KAFKA_BROKERS" "default" "localhost:9092" "instead" (printf "it in %s" $in)) | quote }}
        consumerGroup: {{ include "xzepr-bridge.known" (dict "context" $context "name" "XZEPR_KAFKA_GROUP_ID" "default" (printf "xzepr-consumer-%s" $service) "instead" (printf "it in %s" $in)) | quote }}
        topic: {{ include "xzepr-bridge.known" (dict "context" $context "name" "XZEPR_KAFKA_TOPIC" "default" "xzepr.dev.events" "instead" (printf "it in %s" $in)) | quote }}
        lagThreshold: {{ $keda.lagThreshold | quote }}
        offsetResetPolicy: {{ include "xzepr-bridge.known" (dict "context" $context "name" "BRIDGE_START_FROM" "default" "earliest" "instead" (printf "it in %s" $in)) }}
        {{- if $isSasl }}
        sasl: {{ get (dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512") $mechanism }}
        {{- end }}
        {{- if hasSuffix "SSL" $protocol }}
        tls: enable
        {{- end }}
      {{- with $keda.authenticationRef }}
      authenticationRef:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}

{{- define "xzepr-bridge.podDisruptionBudget" }}
{{- $budget := .context.Values.bridge.podDisruptionBudget }}
{{- $keda := .context.Values.bridge.keda }}
{{- $pods := ternary $keda.minReplicas .workload.replicas $keda.enabled }}
{{- $holdsAll := eq (toString $budget.minAvailable) "100%" }}
{{- if kindIs "invalid" $budget.minAvailable }}
{{- $holdsAll = has (toString $budget.maxUnavailable) (list "0" "0%") }}
{{- else if and $pods (not (kindIs "string" $budget.minAvailable)) }}
{{- $holdsAll = ge (int $budget.minAvailable) (int $pods) }}
{{- end }}
{{- if $holdsAll }}
{{- fail "xzepr-bridge: this bridge.podDisruptionBudget lets no pod go, so no node could ever be drained. Let one go: its works come again in another." }}
{{- end }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
{{ include "xzepr-bridge.metadata" . }}
spec:
  {{- if kindIs "invalid" $budget.minAvailable }}
  maxUnavailable: {{ $budget.maxUnavailable }}
  {{- else }}
  minAvailable: {{ $budget.minAvailable }}
  {{- end }}
  {{- if semverCompare ">=1.27.0-0" .context.Capabilities.KubeVersion.Version }}
  # A pod that is not ready delivers to nobody: it may always go.
  unhealthyPodEvictionPolicy: AlwaysAllow
  {{- end }}
  selector:
    matchLabels:
      {{- toYaml .selector | nindent 6 }}
{{- end -}}
