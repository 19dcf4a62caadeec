{{- define "firehose.uninstallHook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: "-5"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end }}

{{- /* A role and its binding. Takes root, kind, name, namespace (empty: of the cluster), verbs, account, labels. */ -}}
{{- define "firehose.uninstallRole" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name | quote }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- .labels | nindent 4 }}
  annotations:
    {{- include "firehose.uninstallHook" .root | nindent 4 }}
rules:
  - apiGroups: [firehose.dev]
    resources: [firehosesubscriptions, firehosesources]
    verbs:
      {{- toYaml .verbs | nindent 6 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name | quote }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- .labels | nindent 4 }}
  annotations:
    {{- include "firehose.uninstallHook" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ .account | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
