-- What Argo CD shows of a FirehoseSubscription or a FirehoseSource. It goes into argocd-cm, see the README beside it.
local function is(status, reason, message)
  return { status = status, message = (reason and (reason .. ": ") or "") .. (message or "") }
end

if obj.metadata.deletionTimestamp ~= nil then
  return is("Progressing", nil, "being deleted")
end
if obj.status == nil or obj.status.conditions == nil then
  return is("Progressing", nil, "the operator has not seen it yet")
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local function holds(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end

-- Whatever is said is of an older specification.
if obj.status.observedGeneration ~= obj.metadata.generation then
  return is("Progressing", nil, "the operator has not seen the last change yet")
end
if holds("Stalled") then
  return is("Degraded", conditions.Stalled.reason, conditions.Stalled.message)
end
if holds("Suspended") then
  return is("Suspended", nil, conditions.Suspended.message)
end
if holds("Ready") then
  if holds("Degraded") then
    return is("Degraded", conditions.Degraded.reason, conditions.Degraded.message)
  end
  return is("Healthy", conditions.Ready.reason, conditions.Ready.message)
end
local ready = conditions.Ready or {}
-- A Secret or a Redis that is missing may come yet, but not by itself.
for _, type in ipairs({ "ReferencesResolved", "RedisConnected", "ConsumerGroupsReady" }) do
  if conditions[type] ~= nil and conditions[type].status == "False" then
    return is("Degraded", conditions[type].reason, conditions[type].message)
  end
end
-- A source that runs, and that its switches refuse or do not answer; it is connecting for a moment at first.
local connected = conditions.Connected
if holds("SourceAvailable") and connected ~= nil and connected.status == "False" and connected.reason ~= "Connecting" then
  return is("Degraded", connected.reason, connected.message)
end
return is("Progressing", ready.reason, ready.message)
