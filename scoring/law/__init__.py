"""Law as dated data: rules, formalities, criteria, the go-live gate. It gives no legal advice.

`law` is handed plain mappings of facts and knows neither studies nor models.
"""
