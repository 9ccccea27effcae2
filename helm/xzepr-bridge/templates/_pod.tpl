{{/*
The pod spec of an app, with the bridge in it:

  spec:
    {{- include "xzepr-bridge.pod" (list . "app.pod") | nindent 4 }}

"app.pod" names a template that renders the app's own pod spec. What the bridge needs is added to it, nothing is taken
away; terminationGracePeriodSeconds is raised where it is too short for the bridge to drain.
*/}}
{{- define "xzepr-bridge.pod" -}}
  {{- $context := index . 0 -}}
  {{- $template := index . 1 -}}
  {{- $pod := include $template $context | fromYaml -}}
  {{- if or (hasKey $pod "Error") (not $pod.containers) -}}
    {{- fail (printf "xzepr-bridge: the template %q renders no pod spec with containers. %s" $template (get $pod "Error")) -}}
  {{- end -}}
  {{- $container := include "xzepr-bridge.container" $context | fromYaml -}}
  {{- range concat ($pod.initContainers | default list) $pod.containers -}}
    {{- if eq (toString .name) $container.name -}}
      {{- fail (printf "xzepr-bridge: the pod has a container %q of its own. Give the bridge's another name: bridge.name." .name) -}}
    {{- end -}}
  {{- end -}}
  {{- if eq (include "xzepr-bridge.form" $context) "native" -}}
    {{- $_ := set $pod "initContainers" (append ($pod.initContainers | default list) $container) -}}
  {{- else -}}
    {{- if has ($pod.restartPolicy | default "Always") (list "Never" "OnFailure") -}}
      {{- fail "xzepr-bridge: a Job would never finish beside a plain container. It needs bridge.sidecar: native, and Kubernetes 1.29." -}}
    {{- end -}}
    {{- $_ := set $pod "containers" (append $pod.containers $container) -}}
  {{- end -}}
  {{- if include "xzepr-bridge.hasFiles" $context -}}
    {{- $volume := include "xzepr-bridge.volume" $context | fromYaml -}}
    {{- range $pod.volumes -}}
      {{- if eq (toString .name) $volume.name -}}
        {{- fail (printf "xzepr-bridge: the pod has a volume %q of its own. Give the bridge's another name: bridge.name." .name) -}}
      {{- end -}}
    {{- end -}}
    {{- $_ := set $pod "volumes" (append ($pod.volumes | default list) $volume) -}}
  {{- end -}}
  {{- $needed := include "xzepr-bridge.graceSeconds" $context | int -}}
  {{- $_ := set $pod "terminationGracePeriodSeconds" (max (int ($pod.terminationGracePeriodSeconds | default 30)) $needed) -}}
  {{- toYaml $pod -}}
{{- end -}}

{{/* native or plain. */}}
{{- define "xzepr-bridge.form" -}}
  {{- $bridge := .Values.bridge -}}
  {{- if not $bridge -}}
    {{- fail "xzepr-bridge: the dependency needs `alias: bridge` in Chart.yaml; its values stand under `bridge:`." -}}
  {{- end -}}
  {{- $hasNative := semverCompare ">=1.29.0-0" .Capabilities.KubeVersion.Version -}}
  {{- if eq $bridge.sidecar "auto" -}}
    {{- ternary "native" "plain" $hasNative -}}
  {{- else if and (eq $bridge.sidecar "native") (not $hasNative) -}}
    {{- fail (printf "xzepr-bridge: bridge.sidecar: native needs Kubernetes 1.29, and this is %s; auto takes a plain container." .Capabilities.KubeVersion.Version) -}}
  {{- else -}}
    {{- $bridge.sidecar -}}
  {{- end -}}
{{- end -}}

{{/*
How long a pod may take to end: the bridge's grace, its last reports and commit (5 s), and the way there and back (5 s).
*/}}
{{- define "xzepr-bridge.graceSeconds" -}}
  {{- $variables := .Values.bridge.variables | default dict -}}
  {{- if get (.Values.bridge.variablesFrom | default dict) "BRIDGE_SHUTDOWN_GRACE_MS" -}}
    {{- fail "xzepr-bridge: set BRIDGE_SHUTDOWN_GRACE_MS in bridge.variables: the pod's own grace is made from it." -}}
  {{- end -}}
  {{- $graceMs := 25000 -}}
  {{- if not (kindIs "invalid" $variables.BRIDGE_SHUTDOWN_GRACE_MS) -}}
    {{- $graceMs = int $variables.BRIDGE_SHUTDOWN_GRACE_MS -}}
  {{- end -}}
  {{- add (div (add $graceMs 999) 1000) 10 -}}
{{- end -}}
