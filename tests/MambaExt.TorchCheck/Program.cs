using System.Globalization;
using MambaExt.TorchCheck;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is not ([] or [_] or ["--json", _] or [_, "--json", _]) || args is ["--json"])
{
    Console.Error.WriteLine("Usage: MambaExt.TorchCheck [DIR] [--json FILE]      TorchSharp and the operators on the libtorch in MAMBAEXT_LIBTORCH, and the golden blocks and models in DIR");
    return 1;
}

return Checks.Run(args is [var folder, ..] && folder != "--json" ? folder : null, args is [.., "--json", var file] ? file : null);
