// The selective scan as a differentiable operator: a scan, its gradient, and a check of that gradient by central differences.
using MambaExt.Scan;
using TorchSharp;
using static TorchSharp.torch;

manual_seed(1);
const int Batch = 2, Length = 50, Channels = 8, States = 4;

// README: scan
Tensor u = randn(Batch, Length, Channels).requires_grad_();            // what enters, [B, L, D]
Tensor delta = randn(Batch, Length, Channels).requires_grad_();        // step sizes before softplus, [B, L, D]
Tensor A = (-exp(randn(Channels, States))).requires_grad_();            // decay of each state, [D, N]
Tensor B = randn(Batch, Length, States).requires_grad_();              // what each position writes, [B, L, N]
Tensor C = randn(Batch, Length, States).requires_grad_();              // what it reads, [B, L, N]

Tensor y = SelectiveScan.Apply(u, delta, A, B, C, delta_softplus: true);   // [B, L, D]
y.square().sum().backward();
Console.WriteLine($"output {string.Join(" x ", y.shape)}, gradient of A {string.Join(" x ", A.grad!.shape)}");

// End of README: scan
// Nothing needs a gradient below, so the scan runs its direct path and keeps nothing for a backward.
using IDisposable _ = no_grad();
using DisposeScope scope = NewDisposeScope();

// Along a random direction the loss must rise as its gradient says.
Tensor direction = randn_like(A).to_type(ScalarType.Float64);
const double Step = 1e-5;
double rise = (Loss(Step) - Loss(-Step)) / (2 * Step);
double promised = (A.grad.to_type(ScalarType.Float64) * direction).sum().item<double>();
Console.WriteLine($"slope of the loss along a direction of A: {rise:f4} by differences, {promised:f4} by the gradient");

// A sequence in two halves, the state carried over, is the whole sequence.
const int Half = Length / 2;
var (first, state) = SelectiveScan.ApplyWithState(Part(u, 0), Part(delta, 0), A, Part(B, 0), Part(C, 0), delta_softplus: true);
Tensor second = SelectiveScan.Apply(Part(u, Half), Part(delta, Half), A, Part(B, Half), Part(C, Half), initial_state: state, delta_softplus: true);
Console.WriteLine($"largest difference of two halves from the whole: {(cat([first, second], 1) - y).abs().max().item<float>():e1}");

double Loss(double step)
{
    using DisposeScope inner = NewDisposeScope();
    Tensor moved = A.to_type(ScalarType.Float64) + step * direction;
    return SelectiveScan.Apply(Wide(u), Wide(delta), moved, Wide(B), Wide(C), delta_softplus: true).square().sum().item<double>();
}

static Tensor Wide(Tensor t) => t.to_type(ScalarType.Float64);

static Tensor Part(Tensor t, int from) => t.narrow(1, from, Half).contiguous();
