"""The commands, by what they are about; `winnow.command` puts them together."""
