"""Says what is published. For 0.0.19."""
import os

options = {}
if os.environ.get('TOPIC'):
    options['topic'] = os.environ['TOPIC']
if os.environ.get('IS_BINDER'):
    options['is_binder'] = True

connection_models = {
    'in': {
        'news': {
            'connection_type': 'subscriber',
            'required_creation_arguments': {
                'on_new_message': lambda args, to_send, config: on_news(args, to_send, config),
            },
            'optional_creation_arguments': options,
            'required_arguments': {'id': int},
        },
    },
}


def init_function(to_send, config):
    print('PEER ready')


def on_news(args, to_send, config):
    print('PEER news', args['id'])
