/** A channel in an event of Asterisk, by AMI or ARI. Empty: not present. */
export interface Channel {
  readonly id: string;
  readonly name: string;
  /** ChannelStateDesc: Down, Ring, Ringing, Up, Busy and others. */
  readonly state: string;
  readonly callerNumber: string;
  readonly callerName: string;
  readonly connectedNumber: string;
  readonly connectedName: string;
  readonly accountCode: string;
  readonly context: string;
  readonly exten: string;
  readonly linkedId: string;
  /** Unix microseconds; undefined when the event lacks it. */
  readonly createdAt: number | undefined;
  /** The dialplan application that it runs; in AMI only listings have it. */
  readonly application: string;
  readonly variables: ReadonlyMap<string, string>;
}

export interface Bridge {
  readonly id: string;
  /** AMI BridgeType, ARI bridge_class: `basic` holds the two parties of a call. */
  readonly kind: string;
}

/** The meaning of an event for the legs; the same for AMI and ARI. */
export type StepAction =
  | { readonly kind: 'created' | 'state' | 'account' | 'hold' | 'unhold'; readonly channel: Channel }
  | { readonly kind: 'dialing'; readonly caller: Channel | null; readonly peer: Channel | null }
  | { readonly kind: 'dialed'; readonly caller: Channel | null; readonly peer: Channel | null; readonly status: string }
  | { readonly kind: 'entered' | 'left'; readonly channel: Channel; readonly bridge: Bridge }
  | { readonly kind: 'bridge_gone'; readonly bridge: Bridge }
  | {
      readonly kind: 'digit';
      readonly channel: Channel;
      readonly digit: string;
      readonly durationMs: number | undefined;
    }
  | {
      readonly kind: 'parked' | 'retrieved' | 'abandoned';
      readonly channel: Channel;
      readonly slot: string;
    }
  | { readonly kind: 'recording' | 'recorded'; readonly channel: Channel }
  | { readonly kind: 'transferred'; readonly transferer: Channel; readonly transferee: Channel | null }
  | { readonly kind: 'gone'; readonly channel: Channel; readonly cause: number; readonly techCause: string }
  /** The switch reports its start time: Unix microseconds. */
  | { readonly kind: 'booted'; readonly since: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' };

export interface Step {
  readonly action: StepAction;
  /** Unix microseconds of the switch; undefined without `timestampevents`. */
  readonly micros: number | undefined;
  /** The event's time as written in an id. */
  readonly stamp: string;
  /** The switch's name of the event. */
  readonly what: string;
  /** The bridge is part of the ids of BRIDGE and UNBRIDGE, because ARI's clock has a resolution of milliseconds. */
  readonly bridgeInId: boolean;
}
