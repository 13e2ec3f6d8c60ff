"""Mechanics, fields, waves, optics, quantum and statistical physics, as course codes have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .registry import Table

TABLE = Table("physics")

G = 6.674
HBAR = 1.0


@TABLE.add(lambda rng: (rng.normal(size=(6, 3)), rng.uniform(0.5, 2.0, size=6)), wrt=(0, 1))
def gravitational_energy(pos, mass):
    n = len(mass)
    energy = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            r = np.linalg.norm(pos[i] - pos[j])
            energy -= G * mass[i] * mass[j] / r
    return energy


@TABLE.add(lambda rng: (rng.normal(size=(8, 3)), rng.uniform(0.5, 2.0, size=8)))
def nbody_acceleration_norm(pos, mass):
    dx = pos[:, np.newaxis, :] - pos[np.newaxis, :, :]
    r2 = (dx**2).sum(axis=-1) + 0.1**2
    inv_r3 = r2**-1.5
    acc = -G * (dx * inv_r3[:, :, None] * mass[None, :, None]).sum(axis=1)
    return 0.5 * np.sum(acc**2)


@TABLE.add(lambda rng: (rng.normal(size=(4, 2)), 0.1 * rng.normal(size=(4, 2))), wrt=(0, 1))
def nbody_leapfrog(pos, vel):
    def accel(x):
        a = np.zeros_like(x)
        for i in range(len(x)):
            for j in range(len(x)):
                if i != j:
                    d = x[j] - x[i]
                    a[i] += d / (d @ d + 0.05) ** 1.5
        return a

    dt = 0.01
    a = accel(pos)
    for _ in range(5):
        vel = vel + 0.5 * dt * a
        pos = pos + dt * vel
        a = accel(pos)
        vel += 0.5 * dt * a
    return 0.5 * (vel**2).sum()


@TABLE.add(lambda rng: (1.1 * np.arange(10.0) + 0.05 * rng.normal(size=10), 2.0), wrt=(0, 1))
def spring_chain_energy(x, k):
    stretch = np.diff(x) - 1.0
    return 0.5 * k * np.sum(stretch**2) + 0.1 * np.sum(stretch**4)


@TABLE.add(
    lambda rng: (
        np.arange(12.0).reshape(6, 2) + 0.2 * rng.normal(size=(6, 2)),
        np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [0, 3]]),
    )
)
def spring_network(nodes, edges, k=3.0, rest=2.0):
    a, b = nodes[edges[:, 0]], nodes[edges[:, 1]]
    length = np.sqrt(((a - b) ** 2).sum(1))
    force = np.zeros(nodes.shape)
    pull = (k * (length - rest) / length)[:, None] * (b - a)
    np.add.at(force, edges[:, 0], pull)
    np.add.at(force, edges[:, 1], -pull)
    return np.sum(force**2)


@TABLE.add(lambda rng: (1.5 * np.indices((3, 3)).reshape(2, -1).T + 0.1 * rng.normal(size=(9, 2)),))
def lennard_jones(xy):
    i, j = np.triu_indices(len(xy), k=1)
    r2 = np.sum((xy[i] - xy[j]) ** 2, axis=1)
    s6 = 1 / r2**3
    return 4 * np.sum(s6**2 - s6)


@TABLE.add(lambda rng: (rng.uniform(0, 5, size=(8, 3)),), box=5.0)
def lennard_jones_periodic(positions, box):
    energy = 0.0
    for i in range(len(positions) - 1):
        delta = positions[i + 1 :] - positions[i]
        delta -= box * np.round(delta / box)
        r2 = np.einsum("ij,ij->i", delta, delta) + 0.5
        energy += np.sum(4 * (r2**-6 - r2**-3))
    return energy


@TABLE.add(lambda rng: (np.array([1.0 + 0.1 * rng.normal(), 0.2]), 9.81, 1.0), wrt=(0, 1, 2))
def pendulum_angle(state, g, length):
    theta, omega = state
    dt = 0.02
    for _ in range(50):
        omega -= g / length * np.sin(theta) * dt
        theta += omega * dt
    return theta


@TABLE.add(lambda rng: (np.array([1.0, 0.5, 0.1, -0.2]) + 0.1 * rng.normal(size=4),))
def double_pendulum_energy(y, m1=1.0, m2=0.5, l1=1.0, l2=0.7, g=9.81):
    th1, th2, w1, w2 = y
    T = 0.5 * m1 * (l1 * w1) ** 2 + 0.5 * m2 * (
        (l1 * w1) ** 2 + (l2 * w2) ** 2 + 2 * l1 * l2 * w1 * w2 * np.cos(th1 - th2)
    )
    V = -(m1 + m2) * g * l1 * np.cos(th1) - m2 * g * l2 * np.cos(th2)
    return T + V


@TABLE.add(lambda rng: (np.array([30.0, 0.7]) + 0.1 * rng.normal(size=2),))
def projectile_with_drag(launch):
    speed, angle = launch
    v = np.array([speed * np.cos(angle), speed * np.sin(angle)])
    p = np.zeros(2)
    for _ in range(100):
        a = np.array([0.0, -9.81]) - 0.01 * np.linalg.norm(v) * v
        v = v + 0.02 * a
        p = p + 0.02 * v
    return p[0] + p[1] ** 2 / 10


@TABLE.add(lambda rng: (np.sin(np.linspace(0, np.pi, 31)) + 0.1 * rng.normal(size=31), 0.3))
def wave_equation(u0, courant):
    u_prev = u0.copy()
    u = u0.copy()
    for _ in range(20):
        u_next = np.zeros_like(u)
        u_next[1:-1] = 2 * u[1:-1] - u_prev[1:-1] + courant**2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u_prev, u = u, u_next
    return np.sum(u**2)


@TABLE.add(lambda rng: (rng.random(30), 0.2), wrt=(0, 1))
def heat_equation_explicit(T, r):
    T = T.copy()
    for _ in range(25):
        T[1:-1] = T[1:-1] + r * (T[2:] - 2 * T[1:-1] + T[:-2])
        T[0] = T[1]
        T[-1] = 0
    return T.mean() + T.max()


@TABLE.add(lambda rng: (rng.random((12, 12)), 0.1))
def heat_equation_2d_periodic(u, nu):
    for _ in range(10):
        lap = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u
        u = u + nu * lap
    return np.sum(u**3)


@TABLE.add(lambda rng: (np.sin(np.linspace(0, 2 * np.pi, 40)) + 0.1 * rng.normal(size=40),))
def burgers_upwind(u, nu=0.05, dt=0.01):
    dx = 2 * np.pi / len(u)
    u = np.array(u)
    for _ in range(15):
        un = u.copy()
        back = un - np.roll(un, 1)
        ahead = np.roll(un, -1) - un
        u = un - dt / dx * np.where(un > 0, un * back, un * ahead)
        u += nu * dt / dx**2 * (ahead - back)
    return (u * u).sum()


@TABLE.add(lambda rng: (0.5 * rng.normal(size=16), 0.8), wrt=(0, 1))
def ising_mean_field(h, beta):
    m = np.zeros(16)
    for _ in range(30):
        m = np.tanh(beta * (0.5 * (np.roll(m, 1) + np.roll(m, -1)) + h))
    return m.mean()


@TABLE.add(lambda rng: (rng.normal(), 0.6), wrt=(0, 1))
def ising_transfer_matrix(J, h):
    T = np.array([[np.exp(J + h), np.exp(-J)], [np.exp(-J), np.exp(J - h)]])
    lam = np.linalg.eigvalsh(T)
    return -np.log(np.sum(lam**20)) / 20


@TABLE.add(lambda rng: (np.sort(rng.normal(size=6)), 1.3), wrt=(0, 1))
def canonical_free_energy(levels, beta):
    E0 = min(levels)
    Z = sum(np.exp(-beta * (E - E0)) for E in levels)
    return E0 - np.log(Z) / beta


@TABLE.add(lambda rng: (rng.normal(size=(4, 4)), rng.normal(size=4)), wrt=(0, 1))
def quantum_expectation(A, psi):
    H = (A + A.T) / 2
    psi = psi / np.linalg.norm(psi)
    mean = psi @ H @ psi
    return mean + (psi @ H @ H @ psi - mean**2)


@TABLE.add(lambda rng: (rng.uniform(0.3, 2.5, size=4),))
def qubit_circuit(angles):
    state = np.array([1.0, 0, 0, 0])
    for k, theta in enumerate(angles):
        c, s = np.cos(theta / 2), np.sin(theta / 2)
        ry = np.array([[c, -s], [s, c]])
        gate = np.kron(ry, np.eye(2)) if k % 2 == 0 else np.kron(np.eye(2), ry)
        state = gate @ state
        state = state[[0, 1, 3, 2]]
    return state @ np.diag([1, -1, -1, 1]) @ state


@TABLE.add(lambda rng: (0.5 + rng.random(), np.linspace(-6, 6, 101)))
def variational_oscillator(alpha, x):
    dx = x[1] - x[0]
    psi = np.exp(-alpha * x**2) * (1 + 0.1 * x**4)
    psi /= np.sqrt(np.sum(psi**2) * dx)
    dpsi = np.gradient(psi, dx)
    return 0.5 * HBAR**2 * np.sum(dpsi**2) * dx + 0.5 * np.sum(x**2 * psi**2) * dx


@TABLE.add(lambda rng: (5.0 * rng.random(24),))
def schroedinger_ground_state(V):
    n = V.size
    h = 6.0 / (n + 1)
    H = np.diag(1 / h**2 + V)
    off = -0.5 / h**2 * np.ones(n - 1)
    H = H + np.diag(off, 1) + np.diag(off, -1)
    E, psi = np.linalg.eigh(H)
    return E[0] + E[1] - E[0] * E[1] / 10


@TABLE.add(lambda rng: (np.array([0.1, 0.05]) * rng.uniform(0.5, 1.5, size=2),))
def ray_through_lens(ray, n1=1.0, n2=1.5, R=2.0):
    y, theta = ray
    x = R - np.sqrt(R**2 - y**2)
    normal = np.arcsin(y / R)
    refracted = np.arcsin(n1 / n2 * np.sin(theta + normal)) - normal
    y = y + (0.5 - x) * np.tan(refracted)
    out = np.arcsin(n2 / n1 * np.sin(refracted))
    return y + 3.0 * np.tan(out)


@TABLE.add(lambda rng: (np.array([2.0, 3.0, 1.2]) + 0.1 * rng.normal(size=3), 0.02), wrt=(0, 1))
def abcd_matrices(params, y0):
    f1, f2, d = params

    def lens(f):
        return np.array([[1, 0], [-1 / f, 1]])

    def space(z):
        return np.array([[1, z], [0, 1]])

    system = space(2.0) @ lens(f2) @ space(d) @ lens(f1)
    y, angle = system @ np.array([y0, 0.01])
    return y**2 + angle**2


@TABLE.add(lambda rng: (0.2 * rng.normal(size=(5, 2)), np.linspace(0, 1, 7)))
def fermat_path_length(points, depth):
    path = np.vstack([[[0.0, 0.0]], points + depth[1:-1, None], [[1.0, 1.0]]])
    speed = 1 + 0.5 * np.sin(3 * 0.5 * (path[1:, 1] + path[:-1, 1]))
    return np.sum(np.hypot(np.diff(path[:, 0]), np.diff(path[:, 1])) / speed)


@TABLE.add(lambda rng: (rng.uniform(0.1, 9.9, size=20), rng.normal(size=20)), wrt=(0, 1))
def particle_in_cell_step(x, v):
    ng, L = 10, 10.0
    j = np.floor(x).astype(int)
    frac = x - j
    rho = np.zeros(ng)
    np.add.at(rho, j % ng, 1 - frac)
    np.add.at(rho, (j + 1) % ng, frac)
    rho = rho / len(x) * ng - 1.0
    E = np.cumsum(rho) * L / ng
    E = E - E.mean()
    force = E[j % ng] * (1 - frac) + E[(j + 1) % ng] * frac
    v = v - 0.1 * force
    return 0.5 * np.sum(v**2)


@TABLE.add(lambda rng: (rng.uniform(0.5, 1.5, size=5), rng.normal(size=(4, 2))))
def electric_potential(charges, where):
    locations = [(0.0, 3.0), (2.5, 2.5), (-3.0, 1.0), (3.0, -2.0), (-2.5, -2.5)]
    phi = np.zeros(len(where))
    for q, (cx, cy) in zip(charges, locations):
        phi += q / np.sqrt((where[:, 0] - cx) ** 2 + (where[:, 1] - cy) ** 2 + 1e-2)
    return phi @ phi


@TABLE.add(lambda rng: (np.array([1.0, 2.0, 0.5, 0.3]) + 0.1 * rng.normal(size=4),))
def boris_push(state, charge=1.0, dt=0.1):
    x, v = state[:2], np.append(state[2:], 0.4)
    E, B = np.array([0.1, 0.0, 0.2]), np.array([0.0, 0.3, 1.0])
    for _ in range(10):
        t = 0.5 * charge * dt * B
        s = 2 * t / (1 + np.dot(t, t))
        minus = v + 0.5 * charge * dt * E
        prime = minus + np.cross(minus, t)
        v = minus + np.cross(prime, s) + 0.5 * charge * dt * E
        x = x + dt * v[:2]
    return np.sum(x**2) + v[2]


@TABLE.add(lambda rng: (rng.uniform(1.0, 4.0), np.linspace(0.1, 10, 50)))
def planck_spectrum_mean(T, nu):
    B = nu**3 / np.expm1(nu / T)
    return np.trapezoid(nu * B, nu) / np.trapezoid(B, nu)


@TABLE.add(lambda rng: (rng.uniform(0.3, 2.0, size=3), np.linspace(0.05, 3.0, 20)))
def bessel_aperture(widths, angle):
    intensity = np.zeros_like(angle)
    for a in widths:
        u = 2 * np.pi * a * np.sin(angle)
        intensity += (2 * special.j1(u) / u) ** 2
    return intensity.sum()


@dataclass
class Body:
    position: np.ndarray
    velocity: np.ndarray
    mass: float


@TABLE.add(
    lambda rng: (Body(np.array([1.0, 0.1]), np.array([0.0, 1.1]), 1.5 + 0.2 * rng.random()),)
)
def kepler_invariants(body):
    r = np.sqrt(np.sum(body.position**2))
    v2 = np.sum(body.velocity**2)
    energy = 0.5 * body.mass * v2 - body.mass / r
    x, y = body.position
    vx, vy = body.velocity
    momentum = body.mass * (x * vy - y * vx)
    return energy * momentum**2


class Lattice:
    """A scalar field on a ring, with the action of φ⁴ theory."""

    def __init__(self, mass, coupling):
        self.mass = mass
        self.coupling = coupling
        self.history = []

    def action(self, phi):
        kinetic = 0.5 * (np.roll(phi, -1) - phi) ** 2
        potential = 0.5 * self.mass**2 * phi**2 + self.coupling / 24 * phi**4
        return (kinetic + potential).sum()


@TABLE.add(lambda rng: (rng.normal(size=16), 0.7, 2.0), wrt=(0, 1, 2))
def phi4_action(phi, mass, coupling):
    return Lattice(mass, coupling).action(phi)
