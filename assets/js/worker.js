// The SharedWorker: one stream for all tabs of the browser that show pages of this build.
import { serve } from './exchange.js'

self.onconnect = ({ ports: [port] }) => serve(port)
