module bowerbird/peer

go 1.19
