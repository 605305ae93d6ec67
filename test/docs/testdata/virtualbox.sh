useradd alice # whose machines they are
