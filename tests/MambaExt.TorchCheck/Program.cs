using System.Globalization;
using MambaExt.TorchCheck;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is not ([] or ["--json", _]))
{
    Console.Error.WriteLine("Usage: MambaExt.TorchCheck [--json FILE]      TorchSharp and the operators on the libtorch in MAMBAEXT_LIBTORCH");
    return 1;
}

return Checks.Run(args.Length == 2 ? args[1] : null);
