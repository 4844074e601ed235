"""Second derivatives: Hessians, Gauss-Newton and Fisher matrices, and what is built on them."""
