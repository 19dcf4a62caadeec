{{- /* none, or what writes events. The demo's source is a FirehoseSource, see NOTES.txt. */ -}}
{{- define "firehose.sourceKind" -}}
{{- .Values.source.kind -}}
{{- end }}

{{- /* Of the demo's Redis, its Secrets. */ -}}
{{- define "firehose.demoName" -}}
{{- include "firehose.fullname" . }}-demo
{{- end }}

{{- /*
  The password of the demo's Redis: the given one, else the one that the installed Secret holds, else a new one. It is kept
  in the values, so that all templates of one rendering have the same.
*/ -}}
{{- define "firehose.demoPassword" -}}
{{- if not .Values.demo.redis.password -}}
{{- $kept := dig "data" "password" "" (lookup "v1" "Secret" .Release.Namespace (include "firehose.demoName" .) | default dict) -}}
{{- $_ := set .Values.demo.redis "password" (ternary (b64dec $kept) (randAlphaNum 32) (ne $kept "")) -}}
{{- end -}}
{{- .Values.demo.redis.password -}}
{{- end }}

{{- /* source.yaml, see source/README.md. */ -}}
{{- define "firehose.sourceFile" -}}
{{- $source := .Values.source -}}
{{- $redis := dict "mode" $source.redis.mode "database" (int $source.redis.database) "keyPrefix" $source.redis.keyPrefix -}}
{{- with $source.redis.masterName }}{{ $_ := set $redis "sentinel" (dict "masterName" .) }}{{ end -}}
{{- $tls := dict "enabled" $source.redis.tls.enabled -}}
{{- with $source.redis.tls.serverName }}{{ $_ := set $tls "serverName" . }}{{ end -}}
{{- $_ := set $redis "tls" $tls -}}
{{- $accounts := $source.simulator.accounts -}}
{{- if and .Values.demo.enabled (not $accounts) -}}
  {{- range (.Files.Get "files/demo-directory.yaml" | fromYaml).accounts -}}
    {{- $accounts = append $accounts (pick . "id" "name" "realm") -}}
  {{- end -}}
{{- end -}}
{{- $simulator := dict "callsPerSecond" $source.simulator.callsPerSecond "seed" $source.simulator.seed "accounts" $accounts -}}
{{- toYaml (dict "redis" $redis "stream" $source.stream "simulator" $simulator) -}}
{{- end }}

{{- /* One error for what is missing or contradicts itself, before anything is installed. */ -}}
{{- define "firehose.check" -}}
{{- if and (eq (include "firehose.sourceKind" .) "simulator") (not .Values.demo.enabled) -}}
  {{- if not .Values.source.redis.urlSecret.name }}{{ fail "source.redis.urlSecret.name: the Secret with the URL of the Redis is needed" }}{{ end -}}
  {{- if not .Values.source.simulator.accounts }}{{ fail "source.simulator.accounts: at least one account is needed" }}{{ end -}}
{{- end -}}
{{- if ne (eq .Values.source.redis.mode "Sentinel") (ne .Values.source.redis.masterName "") -}}
  {{- fail "source.redis.masterName: is given exactly with mode Sentinel" -}}
{{- end -}}
{{- include "firehose.checkDirectory" . -}}
{{- if .Values.demo.enabled -}}
  {{- $watched := default (list .Release.Namespace) .Values.watchNamespaces -}}
  {{- if not (or (has "*" $watched) (has .Release.Namespace $watched)) -}}
    {{- fail "demo.enabled: its resource is in the namespace of the release, which watchNamespaces leaves out" -}}
  {{- end -}}
  {{- $redis := .Values.source.redis -}}
  {{- if and (not $redis.urlSecret.name) (or (ne $redis.mode "Standalone") (ne $redis.keyPrefix "firehose:") $redis.tls.enabled) -}}
    {{- fail "source.redis: the demo's Redis is Standalone, without TLS, for keys that begin with firehose: (another Redis is named by source.redis.urlSecret)" -}}
  {{- end -}}
{{- end -}}
{{- if and .Values.crds.enabled (not .Values.crds.keep) (eq .Values.uninstall.subscriptions "Ignore") -}}
  {{- fail "uninstall.subscriptions: with crds.keep=false Ignore would leave the CustomResourceDefinition in deletion for ever: Refuse or Delete" -}}
{{- end -}}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items -}}
  {{- $labels := default dict .metadata.labels -}}
  {{- if and (eq (get $labels "app.kubernetes.io/name") "firehose") (eq (get $labels "app.kubernetes.io/component") "operator") (ne (get $labels "app.kubernetes.io/instance") $.Release.Name) -}}
    {{- fail (printf "the release %s is in this namespace already: of two operators with one Lease the second would wait for ever" (get $labels "app.kubernetes.io/instance")) -}}
  {{- end -}}
{{- end -}}
{{- if and (has "*" .Values.watchNamespaces) (gt (len .Values.watchNamespaces) 1) -}}
  {{- fail "watchNamespaces: \"*\" stands alone" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) -}}
  {{- fail "serviceMonitor.enabled: the cluster does not know monitoring.coreos.com/v1 (offline: --api-versions monitoring.coreos.com/v1)" -}}
{{- end -}}
{{- if and .Values.prometheusRule.enabled (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) -}}
  {{- fail "prometheusRule.enabled: the cluster does not know monitoring.coreos.com/v1 (offline: --api-versions monitoring.coreos.com/v1)" -}}
{{- end -}}
{{- end }}
