// The few shapes from which the console's request schemas are made. Strict: an unknown field is refused.

export const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
export const whole = (maximum = Number.MAX_SAFE_INTEGER) =>
  ({ type: 'integer', minimum: 0, maximum }) as const;
export const yes = { type: 'boolean' } as const;
export const list = (items: object, maxItems: number) => ({ type: 'array', items, maxItems }) as const;

/** All fields needed unless `required` names fewer. */
export const body = (properties: Record<string, object>, required = Object.keys(properties)) =>
  ({ type: 'object', additionalProperties: false, required, properties }) as const;

/** Query strings arrive as text. */
export const query = (properties: Record<string, object>) =>
  ({ type: 'object', additionalProperties: false, properties }) as const;

export const uuid = {
  type: 'string',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
} as const;
export const idParams = { type: 'object', required: ['id'], properties: { id: uuid } } as const;
