/** A channel as an event of Asterisk shows it, by AMI or ARI. Empty: not given. */
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
  /** Unix microseconds; undefined when the event does not tell it. */
  readonly createdAt: number | undefined;
  /** The dialplan application that it runs; AMI tells it in listings alone. */
  readonly application: string;
  readonly variables: ReadonlyMap<string, string>;
}

export interface Bridge {
  readonly id: string;
  /** AMI BridgeType, ARI bridge_class: `basic` holds the two parties of a call. */
  readonly kind: string;
}

/** What an event means to the legs; the same for AMI and ARI. */
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
  /** The switch says since when it runs: Unix microseconds. */
  | { readonly kind: 'booted'; readonly since: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' };

export interface Step {
  readonly action: StepAction;
  /** Unix microseconds by the switch; undefined without `timestampevents`. */
  readonly micros: number | undefined;
  /** How the event's time stands in an id. */
  readonly stamp: string;
  /** The switch's name of the event. */
  readonly what: string;
  /** The bridge is part of the id of BRIDGE and UNBRIDGE: ARI's clock has milliseconds only. */
  readonly bridgeInId: boolean;
}
