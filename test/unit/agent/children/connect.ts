/** Connects to a socket and waits until the other side ends it. */
import { connect } from 'node:net';
import process from 'node:process';

connect(process.argv[2]!).resume();
