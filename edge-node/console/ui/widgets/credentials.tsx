// The fields with which people prove who they are, named so that password managers and screen readers know them.
import { words } from '../words.ts';
import { Field } from './basics.tsx';

type Props = {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly autofocus?: boolean;
};

export const EmailField = (props: Props) => (
  <Field {...props} label={words.signIn.email} autocomplete="username" inputmode="email" required />
);

export const PasswordField = ({
  label = words.signIn.password,
  ...props
}: Props & { readonly label?: string }) => (
  <Field {...props} label={label} type="password" autocomplete="current-password" required />
);

export const NewPasswordField = ({
  label = words.signIn.newPassword,
  ...props
}: Props & { readonly label?: string; readonly hint?: string; readonly wrong?: string | undefined }) => (
  <Field {...props} label={label} type="password" autocomplete="new-password" required />
);

export const DigitsField = (props: Props & { readonly hint?: string; readonly required?: boolean }) => (
  <Field {...props} label={words.signIn.factor} inputmode="numeric" autocomplete="one-time-code" />
);
