import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/domain/failure.ts';
import { createSigner } from '../../src/endpoint/signing.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const secretOf = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

describe('createSigner', () => {
  it("makes the signature of the specification's published example", () => {
    const sign = createSigner([SECRET]);
    expect(sign?.('msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('signs with each secret, newest first', () => {
    const newer = secretOf(32);
    const both = createSigner([newer, SECRET])?.('id', '1', '{}');
    expect(both).toBe(`${createSigner([newer])?.('id', '1', '{}')} ${createSigner([SECRET])?.('id', '1', '{}')}`);
  });

  it('signs the bytes of the body, not its characters', () => {
    const body = '{"userId":"ü","alertMessage":"😀"}';
    const expected = createHmac('sha256', Buffer.alloc(24, 7))
      .update(Buffer.from(`id.1.${body}`))
      .digest('base64');
    expect(createSigner([secretOf(24)])?.('id', '1', body)).toBe(`v1,${expected}`);
  });

  it('signs nothing without a secret', () => {
    expect(createSigner([])).toBeUndefined();
  });

  it('takes secrets of 24 to 64 bytes, padded or not', () => {
    for (const secret of [secretOf(24), secretOf(25), secretOf(25).replaceAll('=', ''), secretOf(64)])
      expect(createSigner([secret])).toBeTypeOf('function');
  });

  it.each([
    ['no prefix', SECRET.slice(6), 'does not begin with whsec_'],
    ['too short', secretOf(23), '23 bytes long'],
    ['too long', secretOf(65), '65 bytes long'],
    ['empty', 'whsec_', '0 bytes long'],
    ['not base64', `whsec_${'p&ssw*rd'.repeat(5)}`, 'not base64'],
    ['a line break at its end', `${SECRET}\n`, 'not base64'],
  ])('refuses a secret with %s, and does not show it', (_name, secret, message) => {
    const fault = faultOf(() => createSigner([SECRET, secret]));
    expect(fault.code).toBe('config');
    expect(fault.message).toContain('secret 2');
    expect(fault.message).toContain(message);
    const shown = `${fault.message} ${fault.nextStep}`;
    if (secret.length > 6) expect(shown).not.toContain(secret.replace('whsec_', '').trim());
  });
});

function faultOf(act: () => unknown): Fault {
  try {
    act();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
