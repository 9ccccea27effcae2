{{- define "xzepr-bridge.podMonitor" }}
{{- $monitor := .context.Values.bridge.podMonitor }}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
{{ include "xzepr-bridge.metadata" (merge (dict "more" $monitor.labels) .) }}
spec:
  selector:
    matchLabels:
      {{- toYaml .selector | nindent 6 }}
  podMetricsEndpoints:
    - port: bridge-ops
      path: /metrics
      interval: {{ $monitor.interval }}
{{- end -}}

{{/*
A counter that rose within half an hour. A new pod may have counted before it was first scraped, and for increase() a
series that begins above 0 has not risen: what a young process has counted is all new.
*/}}
{{- define "xzepr-bridge.risen" -}}
  {{- $counter := printf "%s{%s%s}" .metric .of (.which | default "") -}}
  {{- $sum := ternary (printf "sum by (%s) " .by) "sum" (hasKey . "by") -}}
  {{- $young := printf "(time() - process_start_time_seconds{%s} < 1800)" .of -}}
  {{- printf "%s(increase(%s[30m])) > 0 or %s(%s and on (instance) %s) > 0" $sum $counter $sum $counter $young -}}
{{- end -}}

{{/*
Alerts, each with what it means and what to do. Metrics and labels are held to those of the bridge by
test/laws/chart/alerts.ts.
*/}}
{{- define "xzepr-bridge.prometheusRule" }}
{{- $rule := .context.Values.bridge.prometheusRule }}
{{- $of := $rule.selector | default (printf "job=%q" (printf "%s/%s" .context.Release.Namespace .name)) }}
{{- if not (or $rule.selector .context.Values.bridge.podMonitor.enabled) }}
{{- fail "xzepr-bridge: nothing brings the series that the alerts are about, and the first would ring for ever. Enable bridge.podMonitor, or say in bridge.prometheusRule.selector which series are the bridge's." }}
{{- end }}
{{- $who := printf "%s/%s" .context.Release.Namespace .name }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
{{ include "xzepr-bridge.metadata" (merge (dict "more" $rule.labels) .) }}
spec:
  groups:
    - name: {{ .name }}.xzepr-bridge
      rules:
        {{- /* A Job is away for most of the time, and a CronJob between two runs. */}}
        {{- if not (has .workload.kind (list "Job" "CronJob")) }}
        - alert: XzeprBridgeAway
          expr: absent(xzepr_bridge_assigned_partitions{ {{- $of -}} })
          for: 10m
          labels: { severity: critical }
          annotations:
            summary: No bridge of {{ $who }} can be seen.
            description: >-
              No pod of it runs, or Prometheus does not reach the ops port. Events wait on Kafka until a bridge reads them,
              or until the topic's retention takes them. See whether the pods run, then whether a NetworkPolicy lets
              Prometheus in.
        - alert: XzeprBridgeWithoutPartitions
          expr: sum(xzepr_bridge_assigned_partitions{ {{- $of -}} }) == 0
          for: 10m
          labels: { severity: critical }
          annotations:
            summary: The bridges of {{ $who }} read no partition of the topic.
            description: >-
              They do not get into their consumer group: Kafka is away, refuses the sign-in, or the topic is not there.
              /readyz and the log of any pod say which.
        {{- end }}
        - alert: XzeprBridgeAppAway
          expr: xzepr_bridge_gate_open{ {{- $of -}} } == 0
          for: 10m
          labels: { severity: warning }
          annotations:
            summary: {{ printf "The app beside the bridge of %s has been away for 10 minutes ({{ $labels.pod }})." $who | quote }}
            description: >-
              It refuses connections, or its health is bad. Nothing is sent and no attempt is counted; events wait. Look at
              the app's own log.
        - alert: XzeprBridgeFallsBehind
          expr: >-
            sum by (topic) (xzepr_bridge_lag_records{ {{- $of -}} }) > {{ int64 $rule.lagRecords }}
            and sum by (topic) (xzepr_bridge_lag_records{ {{- $of -}} }) > sum by (topic) (xzepr_bridge_lag_records{ {{- $of -}} } offset 15m)
          for: 15m
          labels: { severity: warning }
          annotations:
            summary: {{ printf "%s falls behind on {{ $labels.topic }}: {{ $value }} records." $who | quote }}
            description: >-
              The app takes fewer events than arrive. Compare xzepr_bridge_attempt_duration_seconds with what it should be;
              more pods help up to the number of partitions, a higher BRIDGE_MAX_IN_FLIGHT if the app has room.
        - alert: XzeprBridgeOldRecord
          expr: max by (pod) (xzepr_bridge_oldest_unsettled_age_seconds{ {{- $of -}} }) > {{ int64 $rule.oldestUnsettledSeconds }}
          for: 5m
          labels: { severity: warning }
          annotations:
            summary: {{ printf "A record has been in hand at {{ $labels.pod }} of %s for {{ $value | humanizeDuration }}." $who | quote }}
            description: >-
              It holds its partition's offset. GET /work on the work API lists the oldest works first: either the app still
              renews the lease, or XZepr does not take its report. An operator can let go of it (POST /works/<id>/settle).
        - alert: XzeprBridgeReportsWait
          expr: >-
            sum by (pod) (min_over_time(xzepr_bridge_report_backlog_events{ {{- $of -}} }[15m])) > 0
            and sum by (pod) (increase(xzepr_bridge_reports_stored_total{ {{- $of -}} }[15m])) == 0
          for: 5m
          labels: { severity: warning }
          annotations:
            summary: {{ printf "XZepr takes no lifecycle events of {{ $labels.pod }} of %s." $who | quote }}
            description: >-
              They wait, and with them the offsets. /status says what is wrong with XZepr; often the token has expired or
              XZepr is away.
        - alert: XzeprBridgeReportsGivenUp
          expr: {{ include "xzepr-bridge.risen" (dict "metric" "xzepr_bridge_reports_given_up_total" "of" $of) | quote }}
          labels: { severity: critical }
          annotations:
            summary: XZepr will not have a lifecycle event of {{ $who }}.
            description: >-
              It was refused, or failed 20 times while others were stored, and XZepr does not know how that work ended. The
              log entry report.given-up says which and why.
        - alert: XzeprBridgeRecordsMissing
          expr: {{ include "xzepr-bridge.risen" (dict "metric" "xzepr_bridge_records_missing_total" "of" $of) | quote }}
          labels: { severity: critical }
          annotations:
            summary: Kafka dropped records before {{ $who }} read them.
            description: >-
              The topic's retention is shorter than the time that the bridge was away or behind. Lengthen it; the log entry
              kafka.records-missing says which offsets.
        - alert: XzeprBridgeDeadLetters
          expr: {{ include "xzepr-bridge.risen" (dict "metric" "xzepr_bridge_dead_letters_total" "of" $of "by" "reason") | quote }}
          labels: { severity: warning }
          annotations:
            summary: {{ printf "Events of %s came to nothing ({{ $labels.reason }})." $who | quote }}
            description: >-
              They lie in the dead letter topic. `xzepr-bridge replay --dry-run` lists them; once the app is mended,
              `xzepr-bridge replay` sends them again.
        - alert: XzeprBridgePoison
          expr: {{ include "xzepr-bridge.risen" (dict "metric" "xzepr_bridge_records_settled_total" "which" `,ending="poison"` "of" $of) | quote }}
          labels: { severity: warning }
          annotations:
            summary: {{ $who }} met records that are no events.
            description: >-
              Somebody else writes to the topic, or a producer is broken. The log entry record.poison names them; without a
              dead letter topic they are passed over.
        - alert: XzeprBridgeWorksFail
          expr: >-
            sum(increase(xzepr_bridge_works_ended_total{ {{- $of -}} ,ending="failed"}[30m]))
            > 0.5 * sum(increase(xzepr_bridge_works_ended_total{ {{- $of -}} }[30m]))
            and sum(increase(xzepr_bridge_works_ended_total{ {{- $of -}} ,ending="failed"}[30m])) >= 5
          for: 5m
          labels: { severity: warning }
          annotations:
            summary: More than half of the works of {{ $who }} fail.
            description: >-
              The app reports failures, answers with a refusal, or its attempts are spent. xzepr_bridge_attempts_total by
              answer tells which; the app's log tells why.
        - alert: XzeprBridgeCommitsRefused
          expr: sum(increase(xzepr_bridge_commits_refused_total{ {{- $of -}} }[30m])) > 10
          labels: { severity: warning }
          annotations:
            summary: Kafka refuses commits of {{ $who }} again and again.
            description: >-
              The group shares out its partitions anew all the time: pods that restart, or a processor that is throttled so
              that heartbeats are late. Events come twice until it settles.
{{- end -}}
