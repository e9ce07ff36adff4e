"""Answers `price`; asks `tax` and `fee` for it when it is told to."""
from decimal import Decimal

connection_models = {
    'in': {
        'price': {
            'connection_type': 'replyer',
            'required_creation_arguments': {
                'connection_function': lambda args, to_send, config: price(args, to_send, config),
            },
            'required_arguments': {'price': Decimal, 'qty': int, 'tags': {str}, 'xs': [int]},
            'optional_arguments': {'asks': bool},
            'required_return_arguments': {'total': Decimal, 'tags': {str}, 'xs': [int]},
        },
    },
    'out': {
        'tax': {
            'connection_type': 'requester',
            'required_arguments': {'total': Decimal},
            'required_return_arguments': {'total': Decimal},
        },
    },
}


def price(args, to_send, config):
    total = args['price'] * args['qty']
    if args.get('asks'):
        for _ in range(3):
            total = to_send('tax', {'total': total})['total']
    return {'total': total, 'tags': args['tags'], 'xs': args['xs']}
