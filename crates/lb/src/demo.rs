//! The demo in one process: four backends on free ports, and the load balancer of `lb.toml` before them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use lb_backend::Backend;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::cli::say;
use crate::config::{self, Config, Problems};
use crate::run::{Failed, Serving, Signals, Told};

/// The shipped configuration: the demo is that file with other addresses, and nothing else.
const SHIPPED: &str = include_str!("../../../lb.toml");

const SERVERS: [&str; 4] = ["web1", "web2", "web3", "web4"];

/// Runs the demo until a signal says to stop.
pub(crate) async fn run(listen: SocketAddr) -> Result<(), Failed> {
    let mut signals = Signals::listen()?;
    let (stop_backends, stopping) = watch::channel(false);
    let mut backends = Vec::new();
    for name in SERVERS {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Failed::Backend)?;
        backends.push(listener.local_addr().map_err(Failed::Backend)?);
        let mut stopping = stopping.clone();
        let stop = async move {
            // The sender is gone only when the program ends.
            let _gone = stopping.wait_for(|stop| *stop).await;
        };
        tokio::spawn(lb_backend::serve(listener, Backend::new(name), stop));
    }
    let serving = Serving::start(configuration(listen, &backends).map_err(Failed::Demo)?).await?;
    for address in serving.addresses() {
        say(&format!("lb demo: open http://{address}/ - {} are behind it, Ctrl-C stops it", SERVERS.join(", ")));
    }
    // There is no file to reload: a terminal that is closed ends the demo.
    while signals.next().await == Told::Reopen {
        serving.reopen_log();
    }
    let result = serving.stop(&mut signals).await;
    stop_backends.send_replace(true);
    result
}

fn configuration(listen: SocketAddr, backends: &[SocketAddr]) -> Result<Config, Problems> {
    let mut text = SHIPPED.replace("files = \"static\"", "files = \"embedded\"");
    for (port, address) in (5001..).zip(backends) {
        text = text.replace(&format!("\"127.0.0.1:{port}\""), &format!("\"{address}\""));
    }
    let mut config = config::parse("demo", &text, Path::new(""))?;
    config.listeners = vec![listen];
    // The page has it on the listener; a second demo on the same machine would find the port taken.
    config.admin.bind = None;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Destination;

    #[test]
    fn the_demo_is_the_shipped_configuration_with_other_addresses() {
        let listen: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let backends: Vec<SocketAddr> = (61..65).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect();
        let config = configuration(listen, &backends).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(config.listeners, [listen]);
        let endpoints = &config.clusters[0].endpoints;
        assert_eq!(endpoints.iter().map(lb_proxy::EndpointConfig::name).collect::<Vec<_>>(), SERVERS);
        assert_eq!(endpoints.iter().filter_map(|e| e.address.as_socket()).collect::<Vec<_>>(), backends);
        assert!(config.routes.iter().any(|route| route.to == Destination::EmbeddedPage));
    }
}
