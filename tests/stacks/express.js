// The application on Express, behind the port of its argument: conforming, but for what Express itself answers.
const express = require('express')
const { KEY, SPACE, LISTED } = process.env
const refused = (response, status, code) =>
  response.status(status).json({ error: code.replace('.', ' '), code, requestId: 'r1' })
const app = express()
app.get('/v1/spaces/:space/runtimes', (request, response) => {
  if (request.get('authorization') !== `Bearer ${KEY}`) return refused(response.set('WWW-Authenticate', 'Bearer'), 401, 'auth.unauthorized')
  if (request.params.space !== SPACE) return refused(response, 404, 'space.not_found')
  response.type('application/json').send(LISTED)
})
app.use((request, response) => refused(response, 404, 'route.not_found'))
app.listen(Number(process.argv[2]), '127.0.0.1')
