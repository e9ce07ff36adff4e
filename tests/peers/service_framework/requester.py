"""Asks `price` for each of the given cases, and says what it is answered."""
import json
import os
from decimal import Decimal
from uuid import UUID

import numpy

connection_models = {
    'out': {
        'price': {
            'connection_type': 'requester',
            'required_arguments': {'price': Decimal, 'qty': int, 'tags': {str}, 'xs': [int]},
            'optional_arguments': {'id': UUID, 'curve': numpy.ndarray},
            'required_return_arguments': {'total': Decimal, 'tags': {str}, 'xs': [int]},
            'optional_return_arguments': {'id': UUID, 'sum': float},
        },
    },
}

ID = UUID('0f8fad5b-d9cb-469f-a165-70867728950e')


def main(to_send, config):
    good = {'price': Decimal('2.25'), 'qty': 4, 'tags': {'z'}, 'xs': [9]}
    for case in os.environ['CASES'].split(','):
        if case == 'good':
            answer = to_send('price', good)
            assert isinstance(answer['total'], Decimal) and answer['tags'] == {'z'}, answer
            print('PEER', case, answer['total'], answer['xs'])
        elif case == 'all':
            answer = to_send('price', {**good, 'id': ID, 'curve': numpy.array([1.5, 2.5])})
            assert answer['id'] == ID, answer
            print('PEER', case, answer['total'], answer['sum'])
        elif case == 'bad':
            try:
                send_unseen(to_send, {'price': Decimal('2.25'), 'qty': 'four'})
            except Exception as error:  # pylint: disable=broad-except
                print('PEER', case, type(error).__name__)
        elif case == 'many':
            for _ in range(int(os.environ['COUNT'])):
                to_send('price', good)
            print('PEER', case, json.dumps('done'))


def send_unseen(to_send, args):
    """Sends arguments that the model would not let through."""
    cells = dict(zip(to_send.__code__.co_freevars, (cell.cell_contents for cell in to_send.__closure__)))
    connection = cells['connections']['out']['price']
    looks = connection.args_validator
    connection.args_validator = lambda args: None
    try:
        return to_send('price', args)
    finally:
        connection.args_validator = looks
