"""Files that go with messages: taken in piece by piece, sealed, checked in quarantine, read under the gate.

An upload's pieces are sealed streams of their own (`storage` keeps them, `pieces` reads them). The worker
(`checking`) decides by content what a file is (`recognising`), has it scanned (`clamd`), draws pictures anew
(`pictures`) and has documents looked through (`documents`), and seals what members may read as one stream. What was
written by strangers is decoded and parsed in children alone (`redraw`; `examine` with `office` and `markup`), which
`walled` starts and `confinement` walls in. What a file is called and what it is lies sealed in its row (`facts`).
What must not live here: who reads which message.
"""
