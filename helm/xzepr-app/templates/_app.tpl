{{- define "app.name" -}}
  {{- .Values.fullnameOverride | default .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "app.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "app.labels" -}}
{{ include "app.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "app.image" -}}
  {{- $image := .Values.image -}}
  {{- if not (and $image.repository (or $image.tag $image.digest)) -}}
    {{- fail "xzepr-app: name your app's image: image.repository, and image.tag or image.digest." -}}
  {{- end -}}
  {{- ternary (printf "%s@%s" $image.repository $image.digest) (printf "%s:%s" $image.repository $image.tag) (ne $image.digest "") -}}
{{- end -}}

{{/* The pod of the app alone; workload.yaml puts the bridge into it. */}}
{{- define "app.pod" -}}
automountServiceAccountToken: {{ .Values.automountServiceAccountToken }}
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . | quote }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if has .Values.kind (list "Job" "CronJob") }}
restartPolicy: OnFailure
{{- end }}
{{- if not (kindIs "invalid" .Values.terminationGracePeriodSeconds) }}
terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: app
    image: {{ include "app.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    {{- with .Values.command }}
    command:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.args }}
    args:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    env:
      - name: WORK_API_URL
        value: http://127.0.0.1:{{ include "xzepr-bridge.known" (dict "context" . "name" "BRIDGE_WORK_API_PORT" "default" 8900 "instead" "it in bridge.variables: the app is told by it") }}
      {{- with .Values.env }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with .Values.envFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.ports }}
    ports:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.probes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- toYaml .Values.securityContext | nindent 6 }}
    {{- with .Values.volumeMounts }}
    volumeMounts:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- range $field := list "volumes" "tolerations" "topologySpreadConstraints" "nodeSelector" "affinity" }}
{{- with get $.Values $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "app.podTemplate" -}}
{{- range $label, $_ := include "app.selector" . | fromYaml }}
  {{- if hasKey $.Values.podLabels $label }}
    {{- fail (printf "xzepr-app: podLabels sets %s, which the pods are found by." $label) }}
  {{- end }}
{{- end -}}
metadata:
  labels:
    {{- include "app.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "xzepr-bridge.pod" (list . "app.pod") | nindent 2 }}
{{- end -}}

{{- define "app.job" -}}
backoffLimit: {{ int .Values.job.backoffLimit }}
{{- if not (kindIs "invalid" .Values.job.ttlSecondsAfterFinished) }}
ttlSecondsAfterFinished: {{ int .Values.job.ttlSecondsAfterFinished }}
{{- end }}
template:
  {{- include "app.podTemplate" . | nindent 2 }}
{{- end -}}
