{{/* The container of the bridge. */}}
{{- define "xzepr-bridge.container" -}}
{{- $bridge := .Values.bridge -}}
{{- $form := include "xzepr-bridge.form" . -}}
name: {{ $bridge.name | quote }}
image: {{ include "xzepr-bridge.image" . | quote }}
imagePullPolicy: {{ $bridge.image.pullPolicy }}
{{- if eq $form "native" }}
restartPolicy: Always
{{- end }}
env:
  {{- include "xzepr-bridge.environment" . | nindent 2 }}
ports:
  - name: bridge-ops
    containerPort: {{ include "xzepr-bridge.opsPort" . }}
    protocol: TCP
{{- range $probe, $path := dict "startup" "/startupz" "readiness" "/readyz" "liveness" "/livez" }}
{{ $probe }}Probe:
  httpGet:
    path: {{ $path }}
    port: bridge-ops
  {{- with get ($bridge.probes | default dict) $probe }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
lifecycle:
  preStop:
    exec:
      command: [node, /app/dist/main.js, drain, --reason, pod ends]
resources:
  {{- toYaml $bridge.resources | nindent 2 }}
securityContext:
  {{- toYaml $bridge.securityContext | nindent 2 }}
# What made it end stands in its last lines: a wrong configuration, say.
terminationMessagePolicy: FallbackToLogsOnError
{{- $hasFiles := include "xzepr-bridge.hasFiles" . }}
{{- if or $hasFiles $bridge.extraVolumeMounts }}
volumeMounts:
  {{- if $hasFiles }}
  - name: {{ $bridge.name | quote }}
    mountPath: {{ include "xzepr-bridge.filesPath" . }}
    readOnly: true
  {{- end }}
  {{- with $bridge.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "xzepr-bridge.image" -}}
  {{- $image := .Values.bridge.image -}}
  {{- if not $image.repository -}}
    {{- fail "xzepr-bridge: bridge.image.repository is empty. There is no public image: build the Dockerfile and push it to a registry of yours." -}}
  {{- end -}}
  {{- if $image.digest -}}
    {{- printf "%s@%s" $image.repository $image.digest -}}
  {{- else -}}
    {{- printf "%s:%s" $image.repository ($image.tag | default .Subcharts.bridge.Chart.AppVersion) -}}
  {{- end -}}
{{- end -}}

{{- define "xzepr-bridge.filesPath" -}}
/var/run/secrets/xzepr-bridge
{{- end -}}

{{- define "xzepr-bridge.opsPort" -}}
  {{- range (list "BRIDGE_OPS_PORT" "BRIDGE_OPS_HOST") -}}
    {{- if get ($.Values.bridge.variablesFrom | default dict) . -}}
      {{- fail (printf "xzepr-bridge: set %s in bridge.variables: the probes are made from it." .) -}}
    {{- end -}}
  {{- end -}}
  {{- $host := .Values.bridge.variables.BRIDGE_OPS_HOST | default "all" -}}
  {{- if or (hasPrefix "127." $host) (has $host (list "localhost" "::1")) -}}
    {{- fail (printf "xzepr-bridge: BRIDGE_OPS_HOST is %s, where no probe arrives: they come from the node. Leave it at `all`; levers are for loopback and the token alone." $host) -}}
  {{- end -}}
  {{- .Values.bridge.variables.BRIDGE_OPS_PORT | default 8901 | int -}}
{{- end -}}

{{/* All of the environment, each variable once. */}}
{{- define "xzepr-bridge.environment" -}}
  {{- $bridge := .Values.bridge -}}
  {{- $variables := $bridge.variables | default dict -}}
  {{- $from := $bridge.variablesFrom | default dict -}}
  {{- $files := $bridge.files | default dict -}}
  {{- if not (or $variables.BRIDGE_SERVICE (get $from "BRIDGE_SERVICE")) -}}
    {{- fail "xzepr-bridge: bridge.variables.BRIDGE_SERVICE is required. The consumer group is named after it, and remembers what has been read." -}}
  {{- end -}}
  {{- range $name := concat (keys $variables) (keys $from) (keys $files) | uniq | sortAlpha -}}
    {{- $ways := list -}}
    {{- range $way := list "variables" "variablesFrom" "files" -}}
      {{- if not (kindIs "invalid" (get (get $bridge $way | default dict) $name | default nil)) -}}
        {{- $ways = append $ways (printf "bridge.%s" $way) -}}
      {{- end -}}
    {{- end -}}
    {{- if gt (len $ways) 1 -}}
      {{- fail (printf "xzepr-bridge: %s is set twice, in %s." $name (join " and " $ways)) -}}
    {{- end -}}
  {{- end -}}
  {{- /* Said also when they are the defaults: a Service named bridge-ops puts a BRIDGE_OPS_PORT into every pod. */ -}}
  {{- range $name, $port := dict "BRIDGE_OPS_PORT" 8901 "BRIDGE_WORK_API_PORT" 8900 -}}
    {{- if and (kindIs "invalid" (get $variables $name | default nil)) (not (get $from $name)) -}}
      {{- $variables = merge (dict $name $port) $variables -}}
    {{- end -}}
  {{- end -}}
  {{- range $name, $value := $variables -}}
    {{- if not (kindIs "invalid" $value) }}
- name: {{ $name }}
  {{- /* Kubernetes takes $(NAME) for a reference, and $$ for a dollar. */}}
  value: {{ include "xzepr-bridge.text" $value | replace "$" "$$" | quote }}
    {{- end -}}
  {{- end -}}
  {{- range $name, $source := $files -}}
    {{- if $source }}
- name: {{ $name }}
  value: {{ printf "%s/%s" (include "xzepr-bridge.filesPath" $) $name | quote }}
    {{- end -}}
  {{- end -}}
  {{- range $name, $source := $from -}}
    {{- if $source }}
- name: {{ $name }}
  valueFrom:
    {{ ternary "secretKeyRef" "configMapKeyRef" (hasKey $source "secret") }}:
      name: {{ $source.secret | default $source.configMap | quote }}
      key: {{ $source.key | quote }}
    {{- end -}}
  {{- end -}}
{{- end -}}

{{/* A value as the bridge reads it: whole numbers in digits (Helm holds those of a file as floats), a filter as JSON. */}}
{{- define "xzepr-bridge.text" -}}
  {{- if kindIs "float64" . -}}
    {{- printf "%.0f" . -}}
  {{- else if or (kindIs "map" .) (kindIs "slice" .) -}}
    {{- toRawJson . -}}
  {{- else -}}
    {{- toString . -}}
  {{- end -}}
{{- end -}}

{{/* Empty for none: one that is null was taken back. */}}
{{- define "xzepr-bridge.hasFiles" -}}
  {{- range $source := .Values.bridge.files -}}
    {{- if $source -}}true{{- end -}}
  {{- end -}}
{{- end -}}

{{/* The projected volume of bridge.files: each file is named after its variable. */}}
{{- define "xzepr-bridge.volume" -}}
name: {{ .Values.bridge.name | quote }}
projected:
  defaultMode: 0444
  sources:
    {{- range $name, $source := .Values.bridge.files }}
    {{- if $source }}
    - {{ ternary "secret" "configMap" (hasKey $source "secret") }}:
        name: {{ $source.secret | default $source.configMap | quote }}
        items:
          - key: {{ $source.key | quote }}
            path: {{ $name }}
    {{- end }}
    {{- end }}
{{- end -}}
