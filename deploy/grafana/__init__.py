"""Grafana's dashboards as code: one module a dashboard, rendered to JSON by ``make dashboards``.

Built with Grafana's own typed builders, for Grafana 10.1 and later. Nothing here is part of the
service; Grafana reads the JSON beside it and nothing else.
"""
