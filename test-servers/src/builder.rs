//! Describes a server, then starts it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::certs::{Authority, Certs};
use crate::control::{Address, Control};
use crate::group::{Group, Role};
use crate::guard::Guard;
use crate::host::Host;
use crate::port::Port;
use crate::process::Process;
use crate::settings::{Place, Settings};
use crate::{Error, Flavour, Server, not_run};

/// How often a port that somebody else was quicker to take is replaced by another.
const TRIES: usize = 5;

/// A description of the server that a test wants.
#[derive(Clone, Debug)]
pub struct Builder {
    flavour: Flavour,
    settings: Settings,
    group: Option<Group>,
}

impl Builder {
    /// Creates the description of a plain server, without TLS and open to everybody.
    pub fn new(flavour: Flavour) -> Self {
        Self { flavour, settings: Settings::default(), group: None }
    }

    /// Has the server speak TLS, with certificates of its own; a client certificate is optional.
    pub fn tls(mut self) -> Self {
        self.settings.tls = true;
        self
    }

    /// Sets the default user's password.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.settings.password = Some(password.into());
        self
    }

    /// Adds a user who may do everything; [`Server::url`] names the last one added.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.settings.users.push((name.into(), password.into()));
        self
    }

    /// Adds a line to the server's configuration file, written as there: `("maxmemory", "10mb")`.
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.more.push((name.into(), value.into()));
        self
    }

    /// Has the server play a part in a group.
    pub(crate) fn group(mut self, group: Group) -> Self {
        self.group = Some(group);
        self
    }

    /// Returns the default user's password.
    pub(crate) fn secret(&self) -> Option<&str> {
        self.settings.password.as_deref()
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the server can be had in no way and that was noted in the file
    /// named by `CACHE_ASIDE_NOT_RUN`; [`Error::Failed`] if it ended or does not answer.
    ///
    /// # Panics
    ///
    /// If the server can be had in no way and there is no file to note that in.
    pub fn start(self) -> Result<Server, Error> {
        let mut started = self.try_start();
        for _ in 1..TRIES {
            match &started {
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::AddrInUse => {
                    started = self.try_start();
                }
                _ => break,
            }
        }
        if let Err(Error::Unavailable(missing)) = &started {
            not_run::note(missing);
        }
        started
    }

    fn try_start(&self) -> Result<Server, Error> {
        let guard = Guard::new()?;
        let certs = self.settings.tls.then(|| self.certs(guard.folder())).transpose()?;
        let port = Port::claim()?;
        let seat = match self.flavour.program() {
            Some(program) => self.process(program, guard, &port)?,
            None if self.group.is_none() => self.container(guard, &port)?,
            None => return Err(self.no_group()),
        };
        Server::start(self.settings.clone(), seat, port, certs)
    }

    fn certs(&self, folder: &Path) -> io::Result<Certs> {
        match &self.group {
            Some(group) => Certs::create(folder, &group.authority),
            None => Certs::create(folder, &Authority::new()?),
        }
    }

    fn process(&self, program: PathBuf, guard: Guard, port: &Port) -> Result<Seat, Error> {
        const SOCKET: &str = "control";
        let role = self.group.as_ref().map(|group| group.role);
        let bus = (role == Some(Role::Node)).then(Port::claim).transpose()?;
        let place = Place {
            bind: "127.0.0.1",
            folder: guard.folder(),
            plain_port: if self.settings.tls { 0 } else { port.number() },
            tls_port: port.number(),
            bus_port: bus.as_ref().map(Port::number),
            socket: Some(SOCKET),
        };
        fs::write(guard.folder().join(Process::SETTINGS), self.settings.file(place))?;
        let address = Address::File(guard.folder().join(SOCKET));
        let control = Control::new(address, self.settings.password.clone());
        let process = Process::new(program, guard, role.map_or(&[], Role::options));
        Ok(Seat { host: Box::new(process), control, second_port: bus })
    }

    fn no_group(&self) -> Error {
        let why = match self.flavour.program_name() {
            Some(name) => format!("{name} is not on PATH, and no group is in containers"),
            None => "no group is in containers".to_owned(),
        };
        Error::Unavailable(why)
    }

    #[cfg(feature = "container")]
    fn container(&self, guard: Guard, port: &Port) -> Result<Seat, Error> {
        use crate::container::{Container, Ports};

        let control_port = self.settings.tls.then(Port::claim).transpose()?;
        let plain = control_port.as_ref().unwrap_or(port).number();
        let ports = Ports { plain, tls: control_port.is_some().then(|| port.number()) };
        let settings = self.settings.file(Container::place());
        let container = Container::new(self.flavour, guard, settings, ports);
        let control = Control::new(Address::Port(plain), self.settings.password.clone());
        Ok(Seat { host: Box::new(container), control, second_port: control_port })
    }

    #[cfg(not(feature = "container"))]
    fn container(&self, _: Guard, _: &Port) -> Result<Seat, Error> {
        let missing = match self.flavour.program_name() {
            Some(name) => format!("{name} is not on PATH, and the feature `container` is off"),
            None => "the feature `container` is off".to_owned(),
        };
        Err(Error::Unavailable(missing))
    }
}

impl From<Flavour> for Builder {
    fn from(flavour: Flavour) -> Self {
        Self::new(flavour)
    }
}

/// A server that is ready to be started, and the way in for control.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) host: Box<dyn Host>,
    pub(crate) control: Control,
    /// A port for control alone, or for a cluster's bus; held as long as the server.
    pub(crate) second_port: Option<Port>,
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_taken_at_the_last_moment_is_told_from_other_failures() {
        let Some(program) = Flavour::Redis.program() else {
            return not_run::note("redis-server is not on PATH");
        };
        let builder = Builder::new(Flavour::Redis);
        let port = Port::claim().unwrap();
        let seat = builder.process(program, Guard::new().unwrap(), &port).unwrap();
        let _thief = TcpListener::bind(("127.0.0.1", port.number())).unwrap();

        assert_taken(Server::start(builder.settings, seat, port, None));
    }

    #[test]
    fn a_bus_port_taken_at_the_last_moment_is_told_too() {
        let Some(program) = Flavour::Valkey.program() else {
            return not_run::note("valkey-server is not on PATH");
        };
        let builder = Builder::new(Flavour::Valkey).group(Group::new(Role::Node).unwrap());
        let port = Port::claim().unwrap();
        let seat = builder.process(program, Guard::new().unwrap(), &port).unwrap();
        let bus = seat.second_port.as_ref().unwrap().number();
        let _thief = TcpListener::bind(("127.0.0.1", bus)).unwrap();

        assert_taken(Server::start(builder.settings, seat, port, None));
    }

    fn assert_taken(started: Result<Server, Error>) {
        let taken = io::ErrorKind::AddrInUse;
        assert!(matches!(started, Err(Error::Io(error)) if error.kind() == taken));
    }
}
