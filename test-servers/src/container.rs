//! A server in a container.

use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::{io, thread};

use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, CopyTargetOptions, GenericImage, ImageExt};
use tokio::runtime::Runtime;

use crate::certs::Certs;
use crate::guard::Guard;
use crate::host::Host;
use crate::settings::Place;
use crate::{Error, Flavour};

/// Where the client of the Docker engine lives: it outlasts every test's own runtime.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("a runtime with one thread starts")
});

/// The loopback ports that lead into a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) tls: Option<u16>,
}

/// A container, created at its first start.
#[derive(Debug)]
pub(crate) struct Container {
    image: String,
    guard: Guard,
    settings: String,
    ports: Ports,
    created: Mutex<Option<ContainerAsync<GenericImage>>>,
}

impl Container {
    /// Prepares a container; the guard's folder holds its certificates, if it has any.
    pub(crate) fn new(flavour: Flavour, guard: Guard, settings: String, ports: Ports) -> Self {
        Self { image: flavour.image(), guard, settings, ports, created: Mutex::new(None) }
    }

    /// Returns where a server is inside its container.
    pub(crate) fn place() -> Place<'static> {
        Place {
            bind: "0.0.0.0",
            folder: Path::new("/tmp"),
            plain_port: 6379,
            tls_port: 6380,
            bus_port: None,
            socket: None,
        }
    }

    fn created(&self) -> MutexGuard<'_, Option<ContainerAsync<GenericImage>>> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create(&self) -> Result<ContainerAsync<GenericImage>, Error> {
        let request = self.request()?;
        block_on(request.start()).map_err(|error| self.why_not(&error.to_string()))
    }

    /// Builds the request; the name is known to the guard before there is a container.
    fn request(&self) -> io::Result<ContainerRequest<GenericImage>> {
        let place = Self::place();
        let folder = self.guard.folder();
        let name = folder.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        self.guard.watch_container(&name)?;
        let (image, tag) = image_and_tag(&self.image);
        let settings = place.folder.join("server.conf").to_string_lossy().into_owned();
        let request = GenericImage::new(image, tag)
            .with_container_name(name)
            .with_cmd([&settings])
            .with_copy_to(readable(&settings), self.settings.clone().into_bytes())
            .with_mapped_port(self.ports.plain, place.plain_port.tcp());
        Ok(on_loopback(match self.ports.tls {
            Some(port) => self.with_certs(request.with_mapped_port(port, place.tls_port.tcp())),
            None => request,
        }))
    }

    fn with_certs(
        &self,
        request: ContainerRequest<GenericImage>,
    ) -> ContainerRequest<GenericImage> {
        [Certs::CA, Certs::SERVER, Certs::SERVER_KEY].iter().fold(request, |request, name| {
            let target = Self::place().folder.join(name);
            request
                .with_copy_to(readable(&target.to_string_lossy()), self.guard.folder().join(name))
        })
    }

    fn why_not(&self, text: &str) -> Error {
        let taken = ["port is already allocated", "address already in use"];
        if taken.iter().any(|sign| text.contains(sign)) {
            return io::Error::from(io::ErrorKind::AddrInUse).into();
        }
        Error::Unavailable(format!("no container of {}: {text}", self.image))
    }
}

impl Host for Container {
    fn start(&self) -> Result<(), Error> {
        let mut created = self.created();
        match created.as_ref() {
            Some(container) => answer(block_on(container.start())),
            None => {
                *created = Some(self.create()?);
                Ok(())
            }
        }
    }

    fn kill(&self) -> Result<(), Error> {
        let created = self.created();
        let Some(container) = created.as_ref() else { return Ok(()) };
        // A frozen container cannot be stopped; one that is not frozen refuses this.
        let _ = block_on(container.unpause());
        answer(block_on(container.stop_with_timeout(Some(0))))
    }

    fn stop(&self) -> Result<(), Error> {
        let created = self.created();
        answer(block_on(running(created.as_ref())?.pause()))
    }

    fn resume(&self) -> Result<(), Error> {
        let created = self.created();
        answer(block_on(running(created.as_ref())?.unpause()))
    }

    fn has_ended(&self) -> Result<bool, Error> {
        let created = self.created();
        let Some(container) = created.as_ref() else { return Ok(true) };
        answer(block_on(container.is_running())).map(|running| !running)
    }

    fn folder(&self) -> &Path {
        self.guard.folder()
    }

    fn log(&self) -> String {
        let created = self.created();
        let Some(container) = created.as_ref() else { return String::new() };
        let log = block_on(container.stdout_to_vec()).unwrap_or_default();
        let errors = block_on(container.stderr_to_vec()).unwrap_or_default();
        String::from_utf8_lossy(&[log, errors].concat()).into_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let Some(container) = self.created().take() else { return };
        if block_on(container.rm()).is_ok() {
            // On failure the guard, dropped next, removes it.
            let _ = self.guard.forget();
        }
    }
}

/// Waits on a thread of its own, because the caller's may belong to a runtime.
fn block_on<F>(work: F) -> F::Output
where
    F: Future + Send,
    F::Output: Send,
{
    thread::scope(|scope| scope.spawn(|| RUNTIME.block_on(work)).join())
        .expect("a request to the engine does not panic")
}

fn answer<T>(result: testcontainers::core::error::Result<T>) -> Result<T, Error> {
    result.map_err(|error| io::Error::other(error).into())
}

fn running(
    created: Option<&ContainerAsync<GenericImage>>,
) -> Result<&ContainerAsync<GenericImage>, Error> {
    created.ok_or_else(|| Error::Failed("there is no container".to_owned()))
}

/// Publishes ports to this machine only; the engine's default is every interface.
fn on_loopback(request: ContainerRequest<GenericImage>) -> ContainerRequest<GenericImage> {
    request.with_host_config_modifier(|config| {
        let ports = config.port_bindings.iter_mut().flat_map(|ports| ports.values_mut());
        for binding in ports.flatten().flatten() {
            binding.host_ip = Some("127.0.0.1".to_owned());
        }
    })
}

/// Names a file that the image's own user can read.
fn readable(path: &str) -> CopyTargetOptions {
    CopyTargetOptions::new(path).with_mode(0o644)
}

/// Splits an image's name; a colon before a slash belongs to a registry's port.
fn image_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_port_is_no_tag() {
        assert_eq!(image_and_tag("valkey/valkey:8"), ("valkey/valkey", "8"));
        assert_eq!(image_and_tag("host:5000/valkey"), ("host:5000/valkey", "latest"));
        assert_eq!(image_and_tag("host:5000/valkey:8"), ("host:5000/valkey", "8"));
    }
}
