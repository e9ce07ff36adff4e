"""Publishes numbers until it is killed."""
import itertools
import os
import time

options = {}
if os.environ.get('TOPIC'):
    options['topic'] = os.environ['TOPIC']
if os.environ.get('IS_X_PUB'):
    options['is_x_pub'] = True

connection_models = {
    'out': {
        'news': {
            'connection_type': 'publisher',
            'required_arguments': {'id': int},
            'optional_creation_arguments': options,
        },
    },
}


def main(to_send, config):
    for number in itertools.count():
        to_send('news', {'id': number})
        time.sleep(0.01)
