"""Asks the example for a price."""
from decimal import Decimal

connection_models = {
    'out': {
        'price': {
            'connection_type': 'requester',
            'required_arguments': {'article': str, 'quantity': int},
            'optional_arguments': {'tags': {str}},
            'required_return_arguments': {'article': str, 'total': Decimal},
        },
    },
}


def main(to_send, config):
    answer = to_send('price', {'article': 'apple', 'quantity': 4, 'tags': {'z'}})
    print('PEER', answer['total'])
