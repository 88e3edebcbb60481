"""The machine that is measured: its sensors are the processes that measure."""

SIZES = (8, 64, 1024, 65536, 1 << 20, 8 << 20)
FAN_SIZES = (64, 65536)
READ_SIZES = (8, 16, 24, 32, 48, 64, 88, 1024)
FRAME = (1280, 720)


def writers(role, sizes, leases):
    """One that writes with copies, and one that lends."""
    copied = [f'{{field: {role}_copy_{size}, dtype: u8, shape: [{size}]}}' for size in sizes]
    lent = [f'{{field: {role}_lease_{size}, dtype: u8, shape: [{size}], leases: {leases}}}' for size in sizes]
    return sensor(role + '_copy', copied) + sensor(role + '_lease', lent)


def sensor(name, fields, rest=''):
    return (f'    - id: {name}\n      consciousness_type: temporal\n      driver: external\n{rest}'
            + ('      writes:\n' if fields else '') + ''.join(f'        - {f}\n' for f in fields))


def description():
    """The data plane and nothing else: no model, no gateway."""
    text = ['machine: bench\nversion: 1.0\nclients: 32\n',
            'entities:\n  people:\n    - {id: operator}\n  sensors:\n',
            writers('ping', SIZES, 2), writers('pong', SIZES, 2), writers('fan', FAN_SIZES, 20),
            writers('self', READ_SIZES, 2),
            sensor('once', ['{field: step_in, dtype: f32, shape: [64], leases: 4}']),
            sensor('twice', ['{field: step_out, dtype: f32, shape: [64], leases: 4}']),
            sensor('mortal', ['{field: beat, dtype: u64}']),
            sensor('camera', [], '      frame: {width: %d, height: %d}\n' % FRAME),
            'trust_anchors: [operator]\ngrants: [{to: operator, rights: [say, actuate, set, control]}]\n']
    return ''.join(text)
